// One attempt to reach a server: from an address and a token to an open WebSocket, or an error that says what was found instead.

import type { IncomingMessage } from "node:http";
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { WebSocket } from "ws";
import { systemClock } from "../channel/clock.ts";
import { PROTOCOL_VERSION, versionError } from "../channel/hello.ts";
import { CrosswireError, type ErrorCode } from "../errors.ts";
import type { Limits } from "../limits.ts";
import { type Address, dialUrl } from "./address.ts";
import { PROTOCOL_HEADER } from "./own-traffic.ts";
import { WebSocketTransport } from "./websocket-transport.ts";

export interface Dialled {
  readonly transport: WebSocketTransport;
  /** Whether the server is Crosswire, and so will say hello. */
  readonly saysHello: boolean;
}

export interface DialOptions {
  readonly token: string | undefined;
  readonly runtimeId: string | undefined;
  readonly limits: Limits;
  readonly timeoutMs: number;
}

const MAX_BODY_BYTES = 4 * 1024;
const MAX_QUOTED_LENGTH = 300;

/** Resolves once the WebSocket is open. Rejects with XW_UNREACHABLE, XW_REFUSED, XW_FOREIGN, XW_VERSION, XW_OVERLOADED or XW_TIMEOUT. */
export function dial(address: Address, options: DialOptions): Promise<Dialled> {
  const { limits, timeoutMs } = options;
  const { socketPath } = address;
  const ws = new WebSocket(dialUrl(address, options.runtimeId), {
    headers: headersFor(options),
    ...(socketPath === undefined ? {} : { createConnection: () => connect(socketPath) }),
    perMessageDeflate: false,
    followRedirects: false,
    maxPayload: limits.maxFrameBytes,
    maxFragments: limits.maxFragments,
  });
  return new Promise((resolve, reject) => {
    // Over the whole handshake: the timeout of `ws` starts anew with each byte that drips in.
    const timer = systemClock.setTimer(() => fail(tooSlow(address, timeoutMs)), timeoutMs);
    const fail = (error: unknown): void => {
      systemClock.clearTimer(timer);
      ws.terminate();
      reject(error);
    };
    let upgraded: IncomingMessage | undefined;
    ws.once("upgrade", (response) => (upgraded = response));
    ws.once("unexpected-response", (_request, response) => {
      readBody(response).then((body) => fail(refused(address, response, body)), fail);
    });
    // Stays for good: terminating an unfinished handshake emits one more error.
    ws.on("error", (error) => fail(unreached(address, error)));
    ws.once("open", () => {
      systemClock.clearTimer(timer);
      const saysHello = upgraded?.headers[PROTOCOL_HEADER] !== undefined;
      // Written to directly only where the cheap mask is in order; elsewhere `ws` masks at random.
      const direct =
        address.isLocal && upgraded !== undefined ? { socket: upgraded.socket as Duplex } : {};
      resolve({
        transport: new WebSocketTransport(ws, { limits, masked: true, ...direct }),
        saysHello,
      });
    });
  });
}

function headersFor({ token }: DialOptions): Record<string, string> {
  return {
    [PROTOCOL_HEADER]: String(PROTOCOL_VERSION),
    // SECURITY: in a header, never in the URL, which ends up in logs.
    ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
  };
}

/** The server answered the upgrade with something else. */
function refused({ label }: Address, response: IncomingMessage, body: string): CrosswireError {
  const { statusCode: status = 0, headers } = response;
  if (headers[PROTOCOL_HEADER] === undefined) {
    const server =
      headers["server"] === undefined ? "" : ` (Server: ${printable(String(headers["server"]))})`;
    return foreign(label, `HTTP ${status}${server}`);
  }
  const { error, code } = parseBody(body);
  if (status === 426) return versionError(error);
  const codes: Record<number, ErrorCode> = { 503: "XW_OVERLOADED" };
  const advice = status === 401 ? TOKEN_ADVICE : "";
  return new CrosswireError(
    codes[status] ?? "XW_REFUSED",
    `${label} refused the connection: ${error}.${advice}`,
    {
      peer: label,
      detail: { status, code },
    },
  );
}

const TOKEN_ADVICE =
  " On one machine the token is found by itself; across users, containers or machines pass it: " +
  "new IPCClient(address, { token }), or CROSSWIRE_URL and CROSSWIRE_TOKEN.";

/** What the system says when nobody is there, or when who was there hung up. */
const UNREACHABLE: ReadonlySet<string | undefined> = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ENOENT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EACCES",
  "EPIPE",
  "ETIMEDOUT",
]);

/** There was no usable HTTP answer at all. */
function unreached({ label }: Address, error: NodeJS.ErrnoException): CrosswireError {
  const { code, message } = error;
  if (!UNREACHABLE.has(code)) {
    return foreign(label, code === undefined ? message : `${code}: ${message}`, error);
  }
  const hungUp = code === "ECONNRESET" || code === "EPIPE";
  const what = hungUp
    ? `${label} hung up before it answered (${code}); it is just ending, or not Crosswire.`
    : `${label} cannot be reached (${code}). Start it first: await server.start(), and check the port.`;
  return new CrosswireError("XW_UNREACHABLE", what, { peer: label, cause: error });
}

function tooSlow({ label }: Address, timeoutMs: number): CrosswireError {
  const text =
    `${label} did not answer in ${Math.ceil(timeoutMs)} ms; its process is stopped or blocked, ` +
    "or it is not Crosswire.";
  return new CrosswireError("XW_TIMEOUT", text, { peer: label });
}

function foreign(label: string, seen: string, cause?: Error): CrosswireError {
  return new CrosswireError(
    "XW_FOREIGN",
    `${label} is not a Crosswire server; it answered with ${seen}. Another program has this address: stop it, or use another port.`,
    { peer: label, ...(cause === undefined ? {} : { cause }) },
  );
}

async function readBody(response: IncomingMessage): Promise<string> {
  let body = "";
  response.setEncoding("utf8");
  try {
    for await (const chunk of response) {
      body += chunk as string;
      if (body.length > MAX_BODY_BYTES) break;
    }
  } catch {
    // A body cut short still says enough.
  }
  return body.slice(0, MAX_BODY_BYTES);
}

function parseBody(body: string): { readonly error: string; readonly code: string | undefined } {
  try {
    const { error, code } = JSON.parse(body) as { error?: unknown; code?: unknown };
    return {
      error: printable(typeof error === "string" ? error : ""),
      code: typeof code === "string" ? code : undefined,
    };
  } catch {
    return { error: printable(body), code: undefined };
  }
}

/** Foreign text for an error message: no control characters, which a terminal would obey, and not much of it. */
function printable(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, " ").slice(0, MAX_QUOTED_LENGTH);
}
