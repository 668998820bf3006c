// The least that makes a proxy of undici's dispatch: what undici itself costs. Knows no WebSockets.

import type { IncomingMessage, ServerResponse } from "node:http";
import { type Dispatcher, Pool } from "undici";
import { listen, type Peer } from "../peer.ts";

const CONNECTIONS = 128;

/** undici refuses some of these, and none of them is for the target. */
const HOP_BY_HOP = new Set(["connection", "keep-alive", "transfer-encoding", "upgrade"]);

export const peer: Peer = { start };

async function start(target: string): Promise<number> {
  const pool = new Pool(target, { connections: CONNECTIONS });
  return listen((request, response) => {
    const options = {
      method: request.method ?? "GET",
      path: request.url ?? "/",
      headers: endToEnd(request.rawHeaders),
      body: hasBody(request) ? request : null,
    };
    pool.dispatch(options, new Relay(response));
  });
}

class Relay implements Dispatcher.DispatchHandler {
  #response: ServerResponse;

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#response.on("drain", () => controller.resume());
    this.#response.on("close", () => {
      if (!this.#response.writableFinished) controller.abort(new Error("The client is gone."));
    });
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    { connection: _connection, "transfer-encoding": _encoding, ...headers }: Headers,
  ): void {
    this.#response.writeHead(status, headers);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#response.write(chunk)) controller.pause();
  }

  onResponseEnd(): void {
    this.#response.end();
  }

  onResponseError(): void {
    this.#response.destroy();
  }
}

type Headers = Parameters<NonNullable<Dispatcher.DispatchHandler["onResponseStart"]>>[2];

function endToEnd(rawHeaders: readonly string[]): string[] {
  const headers: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const [name = "", value = ""] = [rawHeaders[i], rawHeaders[i + 1]];
    if (!HOP_BY_HOP.has(name.toLowerCase())) headers.push(name, value);
  }
  return headers;
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined;
}
