// SECURITY: what the other side sends is checked before anything is done with it. A frame of the wrong shape is refused
// as a whole, with words that say what is wrong about it.

import type { RequestHead } from "../exchange/request.ts";
import type { WebSocketOrder, WebSocketReport } from "../exchange/websocket.ts";
import type {
  BodyItem,
  Hello,
  Scope,
  Settled,
  State,
  Unhandled,
  WebSocketVerdict,
  Welcome,
} from "./cpri-ipc.ts";

const FRAMES = "cpri/ws-frame";
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

export function checkWebSocketVerdict(verdict: WebSocketVerdict): void {
  const { kind } = Object(verdict) as Partial<WebSocketVerdict>;
  const isRight = kind === "handled" || kind === "unhandled";
  check("cpri/ws-open", isRight, "handled or unhandled for an answer");
}

export function checkOrder(order: WebSocketOrder): void {
  switch ((Object(order) as Partial<WebSocketOrder>).kind) {
    case "accept":
      return check(FRAMES, isText(order, "protocol"), "a protocol to accept");
    case "connect":
    case "begin":
      return;
    case "send":
      checkSide(order, "to");
      return check(FRAMES, isData(order), "text or bytes to send");
    case "close":
      checkSide(order, "to");
      return checkClose(order);
    case "terminate":
      return checkSide(order, "to");
    case "release":
      checkSide(order, "from");
      checkNumber(order);
      return check(FRAMES, typeof field(order, "isForwarded") === "boolean", "isForwarded");
    default:
      check(FRAMES, false, "the kind of an order");
  }
}

export function checkReport(report: WebSocketReport): void {
  const { kind } = Object(report) as Partial<WebSocketReport>;
  if (kind === "open" || kind === "end") return;
  check(FRAMES, kind === "frame" || kind === "close" || kind === "failure", "the kind of a report");
  checkSide(report, "from");
  checkNumber(report);
  if (kind === "frame") return check(FRAMES, isData(report), "text or bytes that came");
  if (kind === "close") return checkClose(report);
  check(FRAMES, isText(report, "message"), "a message of the failure");
}

/** Of an item that is not a piece of the body. */
export function checkBodyItem(item: Exclude<BodyItem, Uint8Array>): void {
  const { trailers } = Object(item) as Partial<typeof item>;
  const isRight = Array.isArray(trailers) && trailers.every(isPair);
  check("cpri/response-body", isRight, "bytes, or trailers in pairs of strings");
}

function check(path: string, isRight: boolean, what: string): void {
  if (!isRight) throw new TypeError(`A frame of ${path} needs ${what}.`);
}

function checkSide(frame: unknown, name: "from" | "to"): void {
  const side = field(frame, name);
  check(FRAMES, side === "client" || side === "server", `${name}: client or server`);
}

/** Of what is held. */
function checkNumber(frame: unknown): void {
  const n = field(frame, "n");
  check(FRAMES, Number.isSafeInteger(n) && (n as number) >= 0, "a number n from 0 on");
}

function checkClose(frame: unknown): void {
  check(FRAMES, Number.isInteger(field(frame, "code")), "a code to close with");
  check(FRAMES, isText(frame, "reason"), "a reason to close with");
}

function isData(frame: unknown): boolean {
  return isText(frame, "data") || field(frame, "data") instanceof Uint8Array;
}

function isText(frame: unknown, name: string): boolean {
  return typeof field(frame, name) === "string";
}

function field(frame: unknown, name: string): unknown {
  return (frame as Readonly<Record<string, unknown>>)[name];
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
