// SECURITY: what the other side sends is checked before anything is done with it. A frame of the wrong shape is refused
// as a whole, with words that say what is wrong about it.

import type { RequestHead } from "../exchange/request.ts";
import type { Hello, Scope, Settled, State, Unhandled, Welcome } from "./cpri-ipc.ts";

const MODES: readonly unknown[] = ["bypass", "tell", "ask"];

/** Throws a TypeError, as all of these do. */
export function checkHead(path: string, head: RequestHead): void {
  const { id, method, url, headers } = Object(head) as Partial<RequestHead>;
  check(path, typeof id === "string", "an id");
  check(path, typeof method === "string", "a method");
  check(path, typeof url === "string" && URL.canParse(url), "an absolute url");
  check(path, Array.isArray(headers) && headers.every(isPair), "headers in pairs of strings");
}

export function checkHello(hello: Hello): void {
  const { pid, title } = Object(hello) as Partial<Hello>;
  check("cpri/hello", typeof pid === "number", "a pid");
  check("cpri/hello", typeof title === "string", "a title");
}

export function checkWelcome(welcome: Welcome): void {
  const { startedAt, state } = Object(welcome) as Partial<Welcome>;
  check("cpri/hello", typeof startedAt === "number", "a startedAt in its answer");
  checkState(state as State);
}

export function checkState(state: State): void {
  const { unhandled, watches, scopes } = Object(state) as Partial<State>;
  check("cpri/state", MODES.includes(unhandled), `unhandled: ${MODES.join(", ")}`);
  check("cpri/state", typeof watches === "boolean", "watches");
  check("cpri/state", Array.isArray(scopes) && scopes.every(isScope), "scopes");
}

export function checkSettled(settled: Settled): void {
  const { id, ms } = Object(settled) as Partial<Settled>;
  check("cpri/settled", typeof id === "string", "an id");
  check("cpri/settled", typeof ms === "number", "the time it took");
}

export function checkUnhandled(unhandled: Unhandled): void {
  const { method, url } = Object(unhandled) as Partial<Unhandled>;
  check("cpri/unhandled", typeof method === "string", "a method");
  check("cpri/unhandled", typeof url === "string" && URL.canParse(url), "an absolute url");
}

function check(path: string, isRight: boolean, what: string): void {
  if (!isRight) throw new TypeError(`A frame of ${path} needs ${what}.`);
}

function isScope(scope: unknown): boolean {
  const { contextId, http, websocket } = Object(scope) as Partial<Scope>;
  const isNamed = contextId === undefined || typeof contextId === "string";
  return isNamed && [http, websocket].every((one) => one === null || isInterests(one));
}

function isInterests(interests: unknown): boolean {
  return Array.isArray(interests) && interests.every(isPair);
}

function isPair(pair: unknown): boolean {
  return Array.isArray(pair) && typeof pair[0] === "string" && typeof pair[1] === "string";
}
