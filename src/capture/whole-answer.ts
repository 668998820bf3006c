// An answer that is there as a whole: it needs no server that streams it, only to be told.

import { STATUS_CODES } from "node:http";
import type { Answer } from "../exchange/outcome.ts";
import type { Fields } from "../exchange/request.ts";

/** All its bytes are there, and nothing comes after them. */
export interface WholeAnswer extends Answer {
  readonly body?: Uint8Array | undefined;
}

export function isWhole(answer: Answer): answer is WholeAnswer {
  const { body, trailers = [] } = answer;
  const isAllThere = body === undefined || body instanceof Uint8Array;
  return isAllThere && typeof trailers !== "function" && trailers.length === 0;
}

/** As it goes over a connection. A copy: a client may do with what it gets what it likes. */
export function bytesOf({ status, statusText, headers, body }: WholeAnswer): Buffer {
  const head = Buffer.from(headText(status, statusText, headers), "latin1");
  return body === undefined ? head : Buffer.concat([head, body]);
}

/** The status line and the fields, checked ones. */
export function headText(
  status: number,
  statusText: string = STATUS_CODES[status] ?? "",
  fields: Fields,
): string {
  let text = `HTTP/1.1 ${status} ${statusText}\r\n`;
  for (const [name, value] of fields) text += `${name}: ${value}\r\n`;
  return `${text}\r\n`;
}
