// The Response of a fetch that was answered without a connection. To whoever gets it, it is one that came over one.

import { STATUS_CODES } from "node:http";
import type { WholeAnswer } from "./whole-answer.ts";

/** What was asked for. */
interface Asked {
  readonly method: string;
  readonly url: string;
}

/** Undefined for an answer that fetch does something about. */
export type Tell = (answer: WholeAnswer, asked: Asked) => Response | undefined;

type ResponseClass = typeof Response;

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const WITHOUT_BODY = new Set([204, 205, 304]);
const EMPTY: Uint8Array = new Uint8Array(0);

/** With the class that fetch itself makes them of. HOT: benchmarks/cpri. */
export function tellWith(Native: ResponseClass): Tell {
  const urls = new WeakMap<Response, string>();
  const face = faceOf(Native.prototype, urls);
  return (answer, { method, url }) => {
    const { status, statusText = STATUS_CODES[status] ?? "", headers } = answer;
    if (REDIRECTS.has(status) || headers.some(isCoding)) return undefined;
    const hasBody = method !== "HEAD" && !WITHOUT_BODY.has(status);
    const body = hasBody ? (answer.body ?? EMPTY) : null;
    const init = { status, statusText, headers: headers as [string, string][] };
    const response = new Native(body, init);
    Object.setPrototypeOf(response, face);
    urls.set(response, url);
    return response;
  };
}

/** What a Response that somebody makes says otherwise. */
function faceOf(prototype: Response, urls: WeakMap<Response, string>): Response {
  const headersOf = (response: Response): Headers =>
    Reflect.get<Response, "headers">(prototype, "headers", response);
  let readOnly: Headers | undefined;
  const overrides: ThisType<Response> & Partial<Response> = {
    get url() {
      return urls.get(this) ?? "";
    },
    get type() {
      return "basic" as const;
    },
    get headers() {
      const headers = headersOf(this);
      readOnly ??= readOnlyFace(headers);
      if (Object.getPrototypeOf(headers) !== readOnly) Object.setPrototypeOf(headers, readOnly);
      return headers;
    },
    clone() {
      const copy = Object.setPrototypeOf(prototype.clone.call(this), face) as Response;
      urls.set(copy, this.url);
      return copy;
    },
  };
  const face = Object.create(prototype, Object.getOwnPropertyDescriptors(overrides)) as Response;
  return face;
}

/** What came from elsewhere cannot be changed. */
function readOnlyFace(headers: Headers): Headers {
  const refuse = (): never => {
    throw new TypeError("immutable");
  };
  const face = Object.create(Object.getPrototypeOf(headers) as Headers) as Headers;
  for (const name of ["append", "delete", "set"]) {
    Object.defineProperty(face, name, { value: refuse, writable: true, configurable: true });
  }
  return face;
}

function isCoding([name]: readonly [string, string]): boolean {
  return name.length === 16 && name.toLowerCase() === "content-encoding";
}
