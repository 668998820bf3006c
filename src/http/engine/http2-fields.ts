// Header fields as HTTP/2 has them: lower-case, with pseudo-fields, and without those of one connection.

import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http2";

/** What HTTP/2 forbids: RFC 9113 8.2.2. */
const FORBIDDEN = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
]);

/** For `respond()`: repeated names become lists. */
export function toHttp2Fields(status: number, fields: readonly string[]): OutgoingHttpHeaders {
  const headers = Object.create(null) as Record<string, string | string[] | number>;
  headers[":status"] = status;
  for (let i = 0; i < fields.length; i += 2) {
    const name = (fields[i] as string).toLowerCase();
    const value = fields[i + 1] as string;
    if (FORBIDDEN.has(name)) continue;
    const before = headers[name];
    if (before === undefined) headers[name] = value;
    else headers[name] = [...(Array.isArray(before) ? before : [String(before)]), value];
  }
  return headers;
}

/** As HTTP/1.1 writes them: Host for the authority, and one Cookie for the crumbs that HTTP/2 may make of it. */
export function toHttp1Fields(
  rawHeaders: readonly string[],
  headers: IncomingHttpHeaders,
): string[] {
  const fields: string[] = [];
  const cookies: string[] = [];
  const authority = headers[":authority"];
  if (authority !== undefined) fields.push("host", authority);
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string;
    const value = rawHeaders[i + 1] as string;
    if (name.startsWith(":") || (name === "host" && authority !== undefined)) continue;
    if (name === "cookie") cookies.push(value);
    else fields.push(name, value);
  }
  if (cookies.length > 0) fields.push("cookie", cookies.join("; "));
  return fields;
}
