// Both majors of MSW under one type: what differs between them is not what users write.

import * as msw2 from "msw";
import * as msw3 from "msw3";
import { graphql as graphql3 } from "msw3/graphql";
import type { Fields } from "../../../src/exchange/request.ts";
import type { Inbox } from "../../fixtures/wait.ts";
import { Asked } from "../../../src/cpri/asked-request.ts";
import { HandlerList } from "../../../src/cpri/handlers/handler-list.ts";
import { outcomeOf } from "../../../src/cpri/handlers/response-to-answer.ts";
import { convert } from "../../../src/cpri/msw/from-msw.ts";
import type { MswHandlerInput } from "../../../src/cpri/msw/msw-handler.ts";

export type Msw = Pick<
  typeof msw2,
  "http" | "HttpResponse" | "graphql" | "ws" | "sse" | "delay" | "passthrough" | "bypass"
>;

export const VERSIONS: readonly [readonly [string, Msw], readonly [string, Msw]] = [
  ["msw 2", msw2],
  ["msw 3", { ...msw3, graphql: graphql3 } as unknown as Msw],
];

export const API = "https://api.example.com";

export interface Sent {
  readonly method?: string;
  readonly headers?: Fields;
  readonly body?: string | Uint8Array | undefined;
  readonly signal?: AbortSignal;
  /** Called when the body is asked for. */
  readonly onRead?: () => void;
}

export interface Said {
  readonly kind: string;
  readonly status?: number;
  readonly text?: string;
  readonly headers?: Fields;
  readonly bytes?: Uint8Array;
  readonly error?: unknown;
  readonly patch?: unknown;
}

export function listOf(...handlers: readonly MswHandlerInput[]): HandlerList {
  return new HandlerList(convert(handlers));
}

let count = 0;

/** What becomes of a request. */
export async function ask(list: HandlerList, url: string, sent: Sent = {}): Promise<Said> {
  const resolved = await list.resolve(asked(url, sent));
  if (resolved === undefined) return { kind: "unhandled" };
  const outcome = outcomeOf(resolved);
  if (outcome.kind !== "respond") return outcome;
  const bytes = await bytesOf(outcome.body);
  const { kind, status, headers } = outcome;
  return { kind, status, headers, bytes, text: Buffer.from(bytes).toString() };
}

export async function say(list: HandlerList, url: string, sent?: Sent): Promise<string> {
  const { kind, text } = await ask(list, url, sent);
  return text ?? kind;
}

function asked(url: string, { method = "GET", headers = [], body, signal, onRead }: Sent): Asked {
  const head = { id: String(++count), method, url, headers, client: "fetch" } as const;
  const never = new AbortController().signal;
  async function* read(): AsyncGenerator<Uint8Array, void> {
    onRead?.();
    yield Buffer.from(body ?? "");
  }
  return new Asked({
    head,
    signal: () => signal ?? never,
    body: body === undefined ? undefined : read,
  });
}

async function bytesOf(
  body: AsyncIterable<Uint8Array> | Uint8Array | undefined,
): Promise<Uint8Array> {
  if (body === undefined || body instanceof Uint8Array) return body ?? new Uint8Array();
  const pieces: Uint8Array[] = [];
  for await (const piece of body) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** The next ones, in order. */
export async function take<T>(inbox: Inbox<T>, many: number): Promise<T[]> {
  const taken: T[] = [];
  while (taken.length < many) taken.push(await inbox.next());
  return taken;
}
