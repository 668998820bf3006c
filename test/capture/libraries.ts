// The clients of other packages that are built on node:http, as those of clients.ts are.

import { Agent } from "node:https";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import axios from "axios";
import { got, type Method, type Response as GotResponse } from "got";
import nodeFetch from "node-fetch";
import { CA } from "../engine/http-origin.ts";
import type { Reply, Sent, TestClient } from "./clients.ts";

type Fields = Readonly<Record<string, string | string[] | undefined>>;

const valuesOf =
  (headers: Fields) =>
  (field: string): readonly string[] =>
    [headers[field] ?? []].flat();

/** Bytes, or a stream. */
function bodyOf(body: Sent["body"]): Buffer | Readable | undefined {
  if (body === undefined) return undefined;
  return body instanceof Uint8Array ? Buffer.from(body) : Readable.from(body);
}

async function sendByGot(
  url: string,
  { trusts, body, method = "GET", ...sent }: Sent = {},
): Promise<Reply> {
  const stream = got.stream(url, {
    ...sent,
    method: method as Method,
    ...(body === undefined ? {} : { body: bodyOf(body) as Readable }),
    ...(trusts === true ? { https: { certificateAuthority: CA } } : {}),
    throwHttpErrors: false,
    retry: { limit: 0 },
  });
  const response = await new Promise<GotResponse>((resolve, reject) => {
    stream.on("response", resolve).on("error", reject);
  });
  return {
    status: response.statusCode,
    statusText: response.statusMessage,
    header: valuesOf(response.headers),
    text: () => text(stream),
    body: stream as AsyncIterable<Uint8Array>,
    trailers: () => response.trailers,
  };
}

async function sendByAxios(url: string, { trusts, body, ...sent }: Sent = {}): Promise<Reply> {
  const response = await axios.request<Readable>({
    ...sent,
    url,
    data: bodyOf(body),
    responseType: "stream",
    validateStatus: null,
    proxy: false,
    ...(trusts === true ? { httpsAgent: new Agent({ ca: CA }) } : {}),
  });
  return {
    status: response.status,
    statusText: response.statusText,
    header: valuesOf(response.headers as Fields),
    text: () => text(response.data),
    body: response.data as AsyncIterable<Uint8Array>,
  };
}

async function sendByNodeFetch(url: string, { trusts, body, ...sent }: Sent = {}): Promise<Reply> {
  const response = await nodeFetch(url, {
    ...sent,
    ...(body === undefined ? {} : { body: bodyOf(body) as Readable }),
    ...(trusts === true ? { agent: new Agent({ ca: CA }) } : {}),
  });
  return {
    status: response.status,
    statusText: response.statusText,
    header: (field) => response.headers.raw()[field] ?? [],
    text: () => response.text(),
    body: (response.body ?? Readable.from([])) as AsyncIterable<Uint8Array>,
  };
}

const library = (name: string, send: TestClient["send"]): TestClient => ({
  name,
  kind: "http",
  hasTrust: true,
  decompresses: true,
  send,
});

export const LIBRARIES: readonly TestClient[] = [
  library("got", sendByGot),
  library("axios", sendByAxios),
  library("node-fetch", sendByNodeFetch),
];
