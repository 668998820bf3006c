// One attempt to reach a server: from an address and a token to an open WebSocket, or an error that says what was found instead.

import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocket } from "ws";
import { PROTOCOL_VERSION, versionError } from "../channel/hello.ts";
import { CrosswireError, type ErrorCode } from "../errors.ts";
import type { Limits } from "../limits.ts";
import { type Address, dialUrl, PROTOCOL_HEADER } from "./address.ts";
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

/** Resolves once the WebSocket is open. Rejects with XW_UNREACHABLE, XW_REFUSED, XW_FOREIGN, XW_VERSION, XW_OVERLOADED or XW_TIMEOUT. */
export function dial(address: Address, options: DialOptions): Promise<Dialled> {
  const { limits, timeoutMs } = options;
  const ws = new WebSocket(dialUrl(address, options.runtimeId), {
    headers: headersFor(options),
    handshakeTimeout: Math.ceil(timeoutMs),
    perMessageDeflate: false,
    followRedirects: false,
    maxPayload: limits.maxFrameBytes,
    maxFragments: limits.maxFragments,
  });
  return new Promise((resolve, reject) => {
    let upgraded: IncomingMessage | undefined;
    ws.once("upgrade", (response) => (upgraded = response));
    ws.once("unexpected-response", (_request, response) => {
      readBody(response).then((body) => {
        ws.terminate();
        reject(refused(address, response, body));
      }, reject);
    });
    ws.on("error", (error) => reject(unreached(address, error, timeoutMs)));
    ws.once("open", () => {
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
    const server = headers["server"] === undefined ? "" : ` (Server: ${String(headers["server"])})`;
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

/** There was no usable HTTP answer at all. */
function unreached(
  { label }: Address,
  error: NodeJS.ErrnoException,
  timeoutMs: number,
): CrosswireError {
  const options = { peer: label, cause: error };
  switch (error.code) {
    case "ECONNREFUSED":
    case "ENOENT":
    case "EHOSTUNREACH":
    case "ENETUNREACH":
    case "ENOTFOUND":
    case "EACCES":
      return new CrosswireError(
        "XW_UNREACHABLE",
        `${label} cannot be reached (${error.code}). Start it first: await server.start(), and check the port.`,
        options,
      );
    default:
  }
  if (/timed out/.test(error.message)) {
    const text = `${label} accepted the connection but did not answer in ${Math.ceil(timeoutMs)} ms; its process is stopped or blocked, or it is not Crosswire.`;
    return new CrosswireError("XW_TIMEOUT", text, options);
  }
  return foreign(
    label,
    error.code === undefined ? error.message : `${error.code}: ${error.message}`,
    error,
  );
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
    return { error: String(error), code: typeof code === "string" ? code : undefined };
  } catch {
    return { error: body.slice(0, 200), code: undefined };
  }
}
