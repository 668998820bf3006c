// The Response that handlers return, with MSW's ways to make one. It knows its body, so that nobody has to read a stream.

import { STATUS_CODES } from "node:http";

export interface HttpResponseInit {
  /** From 200 to 599. */
  readonly status?: number;
  /** The usual one of the status if it is left out. */
  readonly statusText?: string;
  readonly headers?: ConstructorParameters<typeof Headers>[0];
}

/** Everything that a Response can be made of. */
export type HttpResponseBody = ConstructorParameters<typeof Response>[0];

type RawBody = string | Uint8Array;

type Reading = "text" | "json" | "arrayBuffer" | "blob" | "formData";

/** As a Response is: the declarations of Node have plain properties for all this. */
type Overridable = Omit<Response, "body" | "bodyUsed" | "clone" | Reading> & {
  get body(): Response["body"];
  get bodyUsed(): boolean;
  text(): Promise<string>;
  json(): Promise<unknown>;
  arrayBuffer(): Promise<ArrayBuffer>;
  blob(): ReturnType<Response["blob"]>;
  formData(): ReturnType<Response["formData"]>;
  clone(): Response;
};

const OverridableResponse = Response as unknown as new (
  ...args: ConstructorParameters<typeof Response>
) => Overridable;

const REDIRECT_STATUSES: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const BODILESS: ReadonlySet<number> = new Set([204, 205, 304]);

/**
 * A Response for a test to answer with.
 *
 * @example
 * HttpResponse.json({ id: 7 }, { status: 201 })
 * new HttpResponse(null, { status: 404 })
 */
export class HttpResponse extends OverridableResponse {
  #raw: RawBody | undefined;
  /** Made when somebody reads: a Response with a body costs ten times what one without costs. */
  #reader: Response | undefined;

  constructor(body?: HttpResponseBody, init: HttpResponseInit = {}) {
    const { status = 200, statusText = STATUS_CODES[status] ?? "", headers = {} } = init;
    const given = BODILESS.has(status) ? null : (body ?? null);
    const raw = rawOf(given);
    super(raw === undefined ? given : null, { status, statusText, headers });
    if (raw === undefined) return;
    this.#raw = raw;
    if (typeof raw === "string" && !this.headers.has("content-type")) {
      this.headers.set("content-type", "text/plain;charset=UTF-8");
    }
  }

  /** `text/plain`. */
  static text(body?: string | null, init?: HttpResponseInit): HttpResponse {
    return written(body ?? "", "text/plain", init);
  }

  /** `application/json`. Of undefined there is no JSON, so the body is empty. */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- json<User>(…) checks what is written there.
  static json<T>(body?: T, init?: HttpResponseInit): HttpResponse {
    // It can be undefined, whatever its type says.
    const text = JSON.stringify(body) as string | undefined;
    return written(text ?? "", "application/json", init);
  }

  /** `text/xml`. */
  static xml(body?: string | null, init?: HttpResponseInit): HttpResponse {
    return written(body ?? "", "text/xml", init);
  }

  /** `text/html`. */
  static html(body?: string | null, init?: HttpResponseInit): HttpResponse {
    return written(body ?? "", "text/html", init);
  }

  /** `application/octet-stream`. */
  static arrayBuffer(
    body?: ArrayBuffer | SharedArrayBuffer | ArrayBufferView,
    init?: HttpResponseInit,
  ): HttpResponse {
    return written(bytesOf(body ?? new ArrayBuffer(0)), "application/octet-stream", init);
  }

  /** `multipart/form-data`, with a boundary of its own. */
  static formData(body?: FormData, init?: HttpResponseInit): HttpResponse {
    return new HttpResponse(body, init);
  }

  /** A failure of the network: whoever asked gets no answer. */
  static error(): Response {
    return Response.error();
  }

  /** Also to a relative URL, as servers send them. */
  static redirect(url: string | URL, status: number = 302): HttpResponse {
    if (REDIRECT_STATUSES.has(status)) {
      return new HttpResponse(null, { status, headers: { location: String(url) } });
    }
    const known = [...REDIRECT_STATUSES].join(", ");
    throw new RangeError(`A redirect has one of the statuses ${known}; not ${status}.`);
  }

  /** @internal */
  static rawBodyOf(response: Response): RawBody | undefined {
    if (!(response instanceof HttpResponse) || response.#reader !== undefined) return undefined;
    return response.#raw;
  }

  override get body(): Response["body"] {
    return this.#raw === undefined ? super.body : this.#reading().body;
  }

  override get bodyUsed(): boolean {
    return this.#raw === undefined ? super.bodyUsed : (this.#reader?.bodyUsed ?? false);
  }

  override text(): Promise<string> {
    return this.#raw === undefined ? super.text() : this.#reading().text();
  }

  override json(): Promise<unknown> {
    return this.#raw === undefined ? super.json() : this.#reading().json();
  }

  override arrayBuffer(): Promise<ArrayBuffer> {
    return this.#raw === undefined ? super.arrayBuffer() : this.#reading().arrayBuffer();
  }

  // Node 20 has none of its own.
  async bytes(): Promise<Uint8Array> {
    return new Uint8Array(await this.arrayBuffer());
  }

  override blob(): ReturnType<Response["blob"]> {
    return this.#raw === undefined ? super.blob() : this.#reading().blob();
  }

  override formData(): ReturnType<Response["formData"]> {
    // oxlint-disable-next-line typescript/no-deprecated -- advises busboy for what does not fit in memory; this does.
    return this.#raw === undefined ? super.formData() : this.#reading().formData();
  }

  override clone(): HttpResponse {
    const { status, statusText, headers } = this;
    if (this.#raw === undefined) return new HttpResponse(super.clone().body, this);
    if (this.#reader === undefined)
      return new HttpResponse(this.#raw, { status, statusText, headers });
    return new HttpResponse(this.#reader.clone().body, { status, statusText, headers });
  }

  #reading(): Response {
    // The content type says how a form is to be read, and what type a blob has.
    this.#reader ??= new Response(this.#raw, { headers: this.headers });
    return this.#reader;
  }
}

/** The body as it was given, while nobody has begun to read it; undefined where it is not known. */
export function rawBodyOf(response: Response): RawBody | undefined {
  return HttpResponse.rawBodyOf(response);
}

function rawOf(body: HttpResponseBody): RawBody | undefined {
  if (typeof body === "string") return body;
  if (body instanceof ArrayBuffer || ArrayBuffer.isView(body)) return bytesOf(body);
  return undefined;
}

/** A copy: what becomes of the original later is not meant. */
function bytesOf(body: ArrayBuffer | SharedArrayBuffer | ArrayBufferView): Uint8Array {
  const { buffer, byteOffset, byteLength } = ArrayBuffer.isView(body)
    ? body
    : { buffer: body, byteOffset: 0, byteLength: body.byteLength };
  return new Uint8Array(buffer, byteOffset, byteLength).slice();
}

function written(body: RawBody, type: string, init: HttpResponseInit = {}): HttpResponse {
  const length = String(typeof body === "string" ? Buffer.byteLength(body) : body.length);
  if (init.headers === undefined) {
    return new HttpResponse(body, {
      ...init,
      headers: { "content-type": type, "content-length": length },
    });
  }
  const headers = new Headers(init.headers);
  if (!headers.has("content-type")) headers.set("content-type", type);
  if (!headers.has("content-length")) headers.set("content-length", length);
  return new HttpResponse(body, { ...init, headers });
}
