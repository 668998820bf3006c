// The two functions that everything begins with. Both take handlers, and options as the last argument.

import { AppServer, type AppServerOptions } from "./app-server.ts";
import { APP_OPTIONS, REMOTE_OPTIONS, splitArguments } from "./arguments.ts";
import type { HandlerInput } from "./handler.ts";
import { RemoteServer, type RemoteServerOptions } from "./receiver/remote-server.ts";

/**
 * In an application: what it sends is answered by its own handlers, and with `remote` by the tests that are attached.
 *
 * @example
 * const server = setupServer({ remote: { enable: true } })
 * server.listen()
 */
export function setupServer(...args: readonly (HandlerInput | AppServerOptions)[]): AppServer {
  const { handlers, options } = splitArguments<HandlerInput, AppServerOptions>(args, APP_OPTIONS);
  return new AppServer(handlers, options);
}

/**
 * In a test: handlers for what other processes send.
 *
 * @example
 * const remote = setupRemoteServer()
 * await remote.use(http.get("https://example.com/resource", () => HttpResponse.text("hello world")))
 */
export function setupRemoteServer(
  ...args: readonly (HandlerInput | RemoteServerOptions)[]
): RemoteServer {
  const { handlers, options } = splitArguments<HandlerInput, RemoteServerOptions>(
    args,
    REMOTE_OPTIONS,
  );
  return new RemoteServer(handlers, options);
}
