// Connects to the real server of a caught WebSocket as the application would have done it: its headers, its TLS, its
// agent or its way to connect.

import type { IncomingMessage, RequestOptions } from "node:http";
import type { ClientOptions, WebSocket } from "ws";
import { type Fields, fieldsFrom } from "../exchange/request.ts";
import { internal } from "./context.ts";
import type { DialFailure } from "./websocket-lane.ts";

const HANDSHAKE_TIMEOUT_MS = 30_000;
/** Each handshake has its own. */
const OWN_FIELD = /^(connection|upgrade|sec-websocket-.*)$/i;

export interface DialTarget {
  readonly url: string;
  readonly headers: Fields;
  readonly protocols: readonly string[];
  /** As of the request that was caught. */
  readonly options: RequestOptions;
}

export type Dialled =
  /** Paused: no frame is lost until somebody listens. */
  { readonly kind: "open"; readonly socket: WebSocket } | DialFailure;

/** Never rejects. It is not captured itself. */
export function dialWebSocket(target: DialTarget, signal: AbortSignal): Promise<Dialled> {
  return internal(async () => {
    const { WebSocket: Socket } = await import("ws");
    return new Promise((resolve) => {
      try {
        dial(new Socket(target.url, [...target.protocols], optionsFor(target)), signal, resolve);
      } catch (error) {
        resolve({ kind: "failed", error: error as Error });
      }
    });
  });
}

function dial(socket: WebSocket, signal: AbortSignal, done: (dialled: Dialled) => void): void {
  const abort = (): void => socket.terminate();
  signal.addEventListener("abort", abort, { once: true });
  const end = (dialled: Dialled): void => {
    signal.removeEventListener("abort", abort);
    done(dialled);
  };
  socket.once("unexpected-response", (request, response) => {
    end({ kind: "refused", answer: answerFrom(response), discard: () => request.destroy() });
  });
  // Stays for good: a handshake that is broken off emits one more.
  socket.on("error", (error) => end({ kind: "failed", error }));
  socket.once("open", () => {
    socket.pause();
    end({ kind: "open", socket });
  });
}

function optionsFor({ headers, options }: DialTarget): ClientOptions {
  const { agent, createConnection, signal: _, auth: __, ...kept } = options;
  // Where there is an agent, that connects.
  const connects = agent === undefined && createConnection !== undefined;
  return {
    ...kept,
    ...(agent === undefined ? {} : { agent }),
    ...(connects ? { createConnection: () => createConnection({ ...options }, () => {}) } : {}),
    headers: headersFor(headers),
    perMessageDeflate: deflateFor(headers, options),
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    protocolVersion: 13,
    // The application's library follows them, if it does.
    followRedirects: false,
    // What these would add is in the headers already.
    origin: undefined,
    finishRequest: undefined,
  } as unknown as ClientOptions;
}

function headersFor(fields: Fields): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of fields) {
    if (OWN_FIELD.test(name)) continue;
    const before = headers[name];
    headers[name] = before === undefined ? value : [before, value].flat();
  }
  return headers;
}

/** With the parameters of `ws` where the application uses that; offered if the application does. */
function deflateFor(headers: Fields, options: RequestOptions): boolean | object {
  const isOffered = headers.some(
    ([name, value]) =>
      name.toLowerCase() === "sec-websocket-extensions" && value.includes("permessage-deflate"),
  );
  if (!isOffered) return false;
  const { perMessageDeflate = true } = options as ClientOptions;
  return perMessageDeflate;
}

function answerFrom(
  response: IncomingMessage,
): Extract<DialFailure, { kind: "refused" }>["answer"] {
  return {
    kind: "respond",
    status: response.statusCode ?? 502,
    statusText: response.statusMessage ?? "",
    headers: fieldsFrom(response.rawHeaders),
    body: response,
  };
}
