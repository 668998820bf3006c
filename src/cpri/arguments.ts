// What setupServer and setupRemoteServer are given: handlers, and options as the last argument.

import type { AppServerOptions } from "./app-server.ts";
import type { RemoteServerOptions } from "./receiver/remote-server.ts";

/** A name that is misspelt would be an option that does nothing. */
type Names<Options> = Readonly<Record<keyof Options, true>>;

export const APP_OPTIONS: Names<AppServerOptions> = {
  remote: true,
  onUnhandledRequest: true,
  decisionTimeoutMs: true,
};

export const REMOTE_OPTIONS: Names<RemoteServerOptions> = {
  port: true,
  name: true,
  token: true,
  keepsAlive: true,
  onUnhandledRequest: true,
};

/** Throws a TypeError for an option that there is not. */
export function splitArguments<Input, Options extends object>(
  args: readonly (Input | Options)[],
  names: Names<Options>,
): { readonly handlers: readonly Input[]; readonly options: Options } {
  const last = args.at(-1);
  if (!isOptions(last)) return { handlers: args as readonly Input[], options: {} as Options };
  assertOptions(last, names);
  return { handlers: args.slice(0, -1) as Input[], options: last };
}

export function assertOptions(options: object, names: Readonly<Record<string, true>>): void {
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(names, name));
  if (unknown === undefined) return;
  const known = Object.keys(names).join(", ");
  throw new TypeError(`There is no option ${JSON.stringify(unknown)}; there are ${known}.`);
}

/** A plain object that is no handler, of whichever library. */
function isOptions(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  if (Object.getPrototypeOf(value) !== Object.prototype) return false;
  return !("kind" in value) && !("info" in value);
}
