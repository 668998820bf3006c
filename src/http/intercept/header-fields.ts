// Which header fields go from one connection to the next, and which end here (RFC 9110 7.6.1).

const HOP_BY_HOP: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** What `fetch` sets by itself, or would answer with an error. */
const OF_FETCH: ReadonlySet<string> = new Set([
  // What fetch does not ask for it does not decompress either.
  "accept-encoding",
  "content-length",
  "expect",
  "host",
  "http2-settings",
  "proxy-authorization",
]);

/** What becomes of a response's body: undici decompresses these, and keeps their headers. */
const DECODED_BY_FETCH: ReadonlySet<string> = new Set(["gzip", "x-gzip", "deflate", "br", "zstd"]);

/** The request fields, in Node's raw form, that are passed on with fetch. */
export function endToEndFields(raw: readonly string[]): [string, string][] {
  const fields: [string, string][] = [];
  for (let i = 0; i < raw.length; i += 2) fields.push([raw[i] ?? "", raw[i + 1] ?? ""]);
  const isHop = hopTest(fields.filter(([name]) => name.toLowerCase() === "connection"));
  return fields.filter(([name]) => !isHop(name) && !OF_FETCH.has(name.toLowerCase()));
}

/** The response fields in Node's raw form. `isDecoded`: those that tell of a compressed body are no longer true. */
export function responseFields(headers: Headers, isDecoded: boolean): string[] {
  const isHop = hopTest([["connection", headers.get("connection") ?? ""]]);
  const fields: string[] = [];
  for (const [name, value] of headers) {
    const isStale = isDecoded && (name === "content-encoding" || name === "content-length");
    if (!isHop(name) && !isStale) fields.push(name, value);
  }
  return fields;
}

/** Whether a body with these codings is one that fetch has decompressed: all of them, or none, are undone. */
export function isDecodedByFetch(contentEncoding: string): boolean {
  const codings = contentEncoding.toLowerCase().split(",");
  return codings.every((coding) => DECODED_BY_FETCH.has(coding.trim()));
}

/** Also what a Connection field names belongs to that connection alone. */
function hopTest(connection: readonly (readonly [string, string])[]): (name: string) => boolean {
  const named = connection.flatMap(([, value]) => value.toLowerCase().split(","));
  const nominated = new Set(named.map((name) => name.trim()));
  return (name) => HOP_BY_HOP.has(name.toLowerCase()) || nominated.has(name.toLowerCase());
}
