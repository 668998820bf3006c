// What fetch sends by, where nobody has said anything else.

import type { Dispatcher } from "./caught-dispatch.ts";

type Globals = Readonly<Record<symbol, Dispatcher | undefined>>;

/** One for the versions up to 7, and one for those that have changed what a handler is. */
const FIRST: unique symbol = Symbol.for("undici.globalDispatcher.1") as never;
const SECOND: unique symbol = Symbol.for("undici.globalDispatcher.2") as never;
/** Of Node's own copy: up to 6 it knows the first one only, from 8 on it reads the second one only. */
const MAJOR: number = Number.parseInt(process.versions["undici"] ?? "", 10);

const plain = new WeakMap<Dispatcher, boolean>();

/** Of any version; there is none before somebody needs one. */
export function globalDispatchers(): readonly Dispatcher[] {
  const { [FIRST]: first, [SECOND]: second } = globalThis as unknown as Globals;
  return [first, second].filter((one) => one !== undefined);
}

/** The one of Node's fetch, if it only connects: there is no proxy, no interceptor and no mock. HOT: of every fetch. */
export function plainDispatcher(): Dispatcher | undefined {
  const { [FIRST]: first, [SECOND]: second } = globalThis as unknown as Globals;
  const used = MAJOR < 7 || second === undefined ? first : second;
  if (used === undefined || (MAJOR === 7 && used !== first)) return undefined;
  let isPlain = plain.get(used);
  if (isPlain === undefined) plain.set(used, (isPlain = isPlainAgent(used)));
  return isPlain && !Object.hasOwn(used, "dispatch") ? used : undefined;
}

/** An agent as it is made without settings. */
function isPlainAgent(dispatcher: Dispatcher): boolean {
  const { name } = dispatcher.constructor;
  if (name !== "Agent") return false;
  const key = Object.getOwnPropertySymbols(dispatcher).find((one) => one.description === "options");
  const settings = key === undefined ? undefined : (Reflect.get(dispatcher, key) as object);
  return Object.values(settings ?? { unknown: true }).every(
    (value) => value === undefined || value === Infinity,
  );
}
