// The head of a request as the target gets it: the client's own fields in their order and case, without those that
// belong to the client's connection, with framing and provenance of our own.

import type { Socket } from "node:net";
import { belowBase } from "./base-path.ts";
import type { ForwardOptions } from "./engine.ts";
import { type FieldKind, hasToken, kindOf, nominatedBy, withoutFields } from "./fields.ts";
import { areFields, isField, isRequestTarget } from "./grammar.ts";
import type { Provenance } from "./provenance.ts";
import type { ProxyTarget } from "./target.ts";

/** What of a request its forwarded head is made of; HTTP/1.1 and HTTP/2 both have it. */
export interface RequestSource {
  readonly method: string;
  /** Path and query, or `*`. */
  readonly url: string;
  readonly rawHeaders: readonly string[];
  readonly socket: Socket;
  /** Read by node:http, which knows lines and refuses those that are none. */
  readonly isHttp1: boolean;
  /** HTTP/2 frames bodies by itself, so a body may come without a word of it in the fields. */
  readonly hasUnframedBody: boolean;
}

/** How the request's body is framed towards the target. */
export type BodyFraming = "none" | "length" | "chunked";

export interface RequestHead {
  readonly text: string;
  readonly framing: BodyFraming;
  /** With framing by length. */
  readonly length: number;
  /** The client waits for a 100 before it sends its body. */
  readonly expectsContinue: boolean;
}

/** Why a head cannot be forwarded. */
export type Objection = { readonly unsound: string } | { readonly isLoop: true };

/** Written by us alone: with them a hook could frame the message anew. */
const RESERVED = new Set<FieldKind | undefined>([
  "connection",
  "content-length",
  "transfer-encoding",
  "trailer",
  "upgrade",
]);

interface Scan {
  /** Of the fields that are passed on as they stand. */
  lines: string;
  connection: string;
  contentLength: string | undefined;
  transferEncoding: string | undefined;
  te: string;
  expect: string | undefined;
  hosts: number;
  host: string;
  via: string;
  forwarded: string[] | undefined;
  trailer: string | undefined;
  upgrade: string;
}

/** HOT: once per request, benchmarks/proxy. */
export function writeRequestHead(
  source: RequestSource,
  target: ProxyTarget,
  provenance: Provenance,
  options: ForwardOptions | undefined,
): RequestHead | Objection {
  const scan = scanRequest(source.rawHeaders);
  const objection = objectionTo(scan, provenance);
  if (objection !== undefined) return objection;
  const framing = framingOf(scan, source.hasUnframedBody);
  if (framing === undefined) return { unsound: "an ambiguous length" };
  return assemble(source, target, provenance, options, scan, framing);
}

/** The head of a WebSocket upgrade. It has no body, and keeps what the handshake needs. */
export function writeUpgradeHead(
  source: RequestSource,
  target: ProxyTarget,
  provenance: Provenance,
  options: ForwardOptions | undefined,
): string | Objection {
  const scan = scanRequest(source.rawHeaders);
  const objection = objectionTo(scan, provenance);
  if (objection !== undefined) return objection;
  if (framingOf(scan, false) !== "none" && scan.contentLength !== "0")
    return { unsound: "an upgrade with a body" };
  const head = assemble(source, target, provenance, options, scan, "none", scan.upgrade);
  return "unsound" in head || "isLoop" in head ? head : head.text;
}

function objectionTo(scan: Scan, provenance: Provenance): Objection | undefined {
  if (scan.hosts > 1) return { unsound: "several Host fields" };
  return provenance.isOwn(scan.via) ? { isLoop: true } : undefined;
}

function assemble(
  source: RequestSource,
  target: ProxyTarget,
  provenance: Provenance,
  options: ForwardOptions | undefined,
  scan: Scan,
  framing: BodyFraming,
  upgrade?: string,
): RequestHead | Objection {
  const path = belowBase(target.basePath, options?.path ?? source.url);
  if (!isRequestTarget(path)) return { unsound: "a target with blanks, control characters or `#`" };
  const set = options?.setFields;
  const bad = set === undefined ? undefined : Object.entries(set).find(isUnfit);
  if (bad !== undefined) return { unsound: `${JSON.stringify(bad[0])} among setFields` };
  const expectsContinue = scan.expect?.toLowerCase() === "100-continue" && framing !== "none";
  const lines =
    linesFor(scan, source, target, options) +
    provenance.linesFor(source.socket, scan) +
    (hasToken(scan.te, "trailers") && upgrade === undefined ? "TE: trailers\r\n" : "") +
    (scan.trailer !== undefined && framing === "chunked" ? `Trailer: ${scan.trailer}\r\n` : "") +
    (expectsContinue ? "Expect: 100-continue\r\n" : "") +
    (upgrade === undefined ? "" : `Connection: Upgrade\r\nUpgrade: ${upgrade}\r\n`);
  // SECURITY: nothing leaves that our own grammar would not read the same way. What node:http read by its strict parser
  // it does; HOT: reading it a second time is 3 % of a small request, benchmarks/proxy.
  if (!source.isHttp1 && !areFields(lines)) return { unsound: "a header field that is none" };
  return {
    text: `${source.method} ${path} HTTP/1.1\r\n${lines}${framingLine(scan, framing)}\r\n`,
    framing,
    length: framing === "length" ? Number(scan.contentLength) : 0,
    expectsContinue,
  };
}

function isUnfit([name, value = ""]: [string, string | undefined]): boolean {
  return RESERVED.has(kindOf(name)) || !isField(name, value);
}

function scanRequest(rawHeaders: readonly string[]): Scan {
  const scan: Scan = {
    lines: "",
    connection: "",
    contentLength: undefined,
    transferEncoding: undefined,
    te: "",
    expect: undefined,
    hosts: 0,
    host: "",
    via: "",
    forwarded: undefined,
    trailer: undefined,
    upgrade: "",
  };
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string;
    const value = rawHeaders[i + 1] as string;
    const kind = kindOf(name);
    if (isPassedOn(kind)) scan.lines += `${name}: ${value}\r\n`;
    if (kind !== undefined) note(scan, kind, name, value);
  }
  return scan;
}

/** As it stands. The others are of one connection only, or written by us. */
function isPassedOn(kind: FieldKind | undefined): boolean {
  return kind === undefined || kind === "host" || kind === "date" || kind === "content-type";
}

function note(scan: Scan, kind: FieldKind, name: string, value: string): void {
  switch (kind) {
    case "host":
      scan.hosts++;
      scan.host = value;
      break;
    case "content-length":
      scan.contentLength = joined(scan.contentLength, value);
      break;
    case "transfer-encoding":
      scan.transferEncoding = joined(scan.transferEncoding, value);
      break;
    case "connection":
      scan.connection = listed(scan.connection, value);
      break;
    case "trailer":
      scan.trailer = joined(scan.trailer, value);
      break;
    case "expect":
      scan.expect = joined(scan.expect, value);
      break;
    case "te":
      scan.te = listed(scan.te, value);
      break;
    case "via":
      scan.via = listed(scan.via, value);
      break;
    case "upgrade":
      scan.upgrade = listed(scan.upgrade, value);
      break;
    case "forwarded":
      (scan.forwarded ??= []).push(name, value);
      break;
    case "content-type":
    case "date":
    case "hop":
    case "keep-alive":
      break;
  }
}

function joined(before: string | undefined, value: string): string {
  return before === undefined ? value : `${before}, ${value}`;
}

function listed(before: string, value: string): string {
  return before === "" ? value : `${before}, ${value}`;
}

/**
 * Undefined where two readers could differ.
 * SECURITY: Node lets an empty Transfer-Encoding pass beside a length; a target may see it otherwise.
 */
function framingOf(scan: Scan, hasUnframedBody: boolean): BodyFraming | undefined {
  const { transferEncoding, contentLength } = scan;
  if (transferEncoding !== undefined) {
    const isClear = transferEncoding.toLowerCase() === "chunked" && contentLength === undefined;
    return isClear ? "chunked" : undefined;
  }
  if (contentLength === undefined) return hasUnframedBody ? "chunked" : "none";
  return /^\d{1,15}$/.test(contentLength) ? "length" : undefined;
}

function framingLine({ contentLength }: Scan, framing: BodyFraming): string {
  if (framing === "chunked") return "Transfer-Encoding: chunked\r\n";
  return framing === "length" ? `Content-Length: ${contentLength}\r\n` : "";
}

/** HOT: most requests pass as they came, benchmarks/proxy. */
function linesFor(
  scan: Scan,
  { rawHeaders }: RequestSource,
  { host }: ProxyTarget,
  options: ForwardOptions | undefined,
): string {
  const nominated = nominatedBy(scan.connection);
  const set = options?.setFields;
  if (nominated === undefined && set === undefined && host === undefined) return scan.lines;
  let fields = rawHeaders.flatMap((name, i) =>
    i % 2 === 0 && isPassedOn(kindOf(name)) ? [name, rawHeaders[i + 1] as string] : [],
  );
  if (nominated !== undefined) fields = withoutFields(fields, nominated);
  if (set !== undefined) {
    const names = new Set(Object.keys(set).map((name) => name.toLowerCase()));
    fields = withoutFields(fields, names).concat(
      Object.entries(set).flatMap(([name, value]) => (value === undefined ? [] : [name, value])),
    );
  }
  if (host !== undefined) fields = ["Host", host, ...withoutFields(fields, new Set(["host"]))];
  return linesOf(fields);
}

function linesOf(fields: readonly string[]): string {
  let text = "";
  for (let i = 0; i < fields.length; i += 2) text += `${fields[i]}: ${fields[i + 1]}\r\n`;
  return text;
}
