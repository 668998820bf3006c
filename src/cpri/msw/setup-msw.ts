// `setupRemoteServer` and `setupServer` for those who have handlers of MSW, and keep them.
//
// `boundary(fn)` runs `fn`, as in crosswire/cpri, and does not return a function that does: the test gets a context,
// with the headers to send, and can await it. Who passes it to `test(…)` as with MSW gets an error of the test runner.

import { AppServer, type AppServerOptions } from "../app-server.ts";
import { RemoteContext } from "../receiver/context.ts";
import { RemoteServer, type RemoteServerOptions } from "../receiver/remote-server.ts";
import { APP_OPTIONS, REMOTE_OPTIONS, splitArguments } from "../arguments.ts";
import { convert } from "./from-msw.ts";
import type { MswHandlerInput } from "./msw-handler.ts";

/**
 * In a test: handlers of MSW for what other processes send.
 *
 * @example
 * import { http, HttpResponse } from "msw"
 * const remote = setupRemoteServer(http.get("https://example.com/resource", () => HttpResponse.text("hello world")))
 * await remote.listen()
 */
export function setupRemoteServer(
  ...args: readonly (MswHandlerInput | RemoteServerOptions)[]
): MswRemoteServer {
  const { handlers, options } = splitArguments<MswHandlerInput, RemoteServerOptions>(
    args,
    REMOTE_OPTIONS,
  );
  return new MswRemoteServer(convert(handlers), options);
}

/** In an application: handlers of MSW for what it sends itself, and with `remote` those of the tests that are attached. */
export function setupServer(
  ...args: readonly (MswHandlerInput | AppServerOptions)[]
): MswAppServer {
  const { handlers, options } = splitArguments<MswHandlerInput, AppServerOptions>(
    args,
    APP_OPTIONS,
  );
  return new MswAppServer(convert(handlers), options);
}

/** As in crosswire/cpri; and handlers may be those of MSW. */
export class MswRemoteServer extends RemoteServer {
  override use(...handlers: readonly MswHandlerInput[]): Promise<void> {
    return super.use(...convert(handlers));
  }

  override resetHandlers(...next: readonly MswHandlerInput[]): Promise<void> {
    return super.resetHandlers(...convert(next));
  }

  override context(): MswRemoteContext {
    return new MswRemoteContext(super.context());
  }

  override boundary<Result>(
    run: (context: MswRemoteContext) => Result | Promise<Result>,
  ): Promise<Result> {
    return super.boundary(run);
  }
}

export class MswRemoteContext extends RemoteContext {
  constructor(context: RemoteContext) {
    super(context.id, {
      use: (_id, handlers) => context.use(...handlers),
      resetHandlers: (_id, next) => context.resetHandlers(...next),
      listHandlers: () => context.listHandlers(),
      end: () => context.end(),
    });
  }

  override use(...handlers: readonly MswHandlerInput[]): Promise<void> {
    return super.use(...convert(handlers));
  }

  override resetHandlers(...next: readonly MswHandlerInput[]): Promise<void> {
    return super.resetHandlers(...convert(next));
  }
}

export class MswAppServer extends AppServer {
  override use(...handlers: readonly MswHandlerInput[]): void {
    super.use(...convert(handlers));
  }

  override resetHandlers(...next: readonly MswHandlerInput[]): void {
    super.resetHandlers(...convert(next));
  }
}
