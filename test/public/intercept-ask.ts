// An HTTP client for intercepts that sends what it is told: fetch would tidy up paths and headers.

import { Agent, type IncomingHttpHeaders, type IncomingMessage, request } from "node:http";
import type { IPCServer } from "crosswire";
import { onTestFinished } from "vitest";
import { within } from "../fixtures/wait.ts";

export interface Ask {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string | Uint8Array;
  readonly agent?: Agent;
}

export interface Answer {
  readonly status: number;
  readonly statusText: string;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
  readonly text: string;
  /** The body as JSON; undefined when there is none. */
  readonly json: unknown;
}

/** The whole answer. Rejects when it is cut off. */
export async function ask(server: IPCServer, path: string, options: Ask = {}): Promise<Answer> {
  const incoming = await open(server, path, options);
  const bytes = await within(bytesOf(incoming), "the body of an answer");
  const text = bytes.toString();
  const isJson = incoming.headers["content-type"]?.includes("json") === true && text !== "";
  return {
    status: incoming.statusCode ?? 0,
    statusText: incoming.statusMessage ?? "",
    headers: incoming.headers,
    bytes,
    text,
    json: isJson ? JSON.parse(text) : undefined,
  };
}

/** The head of the answer; the body is still to be read. */
export function open(server: IPCServer, path: string, options: Ask = {}): Promise<IncomingMessage> {
  const { method = "GET", headers = {}, body, agent = false } = options;
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    const port = server.getPort();
    const outgoing = request({
      port,
      host: "127.0.0.1",
      path,
      method,
      agent,
      headers: { ...headers },
    });
    outgoing.on("response", resolve).on("error", reject).end(body);
    onTestFinished(() => void outgoing.destroy());
  });
  return within(answered, `the answer to ${method} ${path}`);
}

/** One connection that is kept for the next request. */
export function oneConnection(): Agent {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  onTestFinished(() => agent.destroy());
  return agent;
}

export function postJson(value: unknown): Ask {
  const headers = { "content-type": "application/json" };
  return { method: "POST", headers, body: JSON.stringify(value) };
}

async function bytesOf(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
