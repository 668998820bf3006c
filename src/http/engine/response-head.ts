// A response head of a target: where it ends, how its body is framed, and what of it is passed on.

import { fieldsOf, hasToken, kindOf, nominatedBy, trimmedPart, withoutFields } from "./fields.ts";
import { matchResponseHead } from "./grammar.ts";

/** How the end of a body is known. */
export type Framing = "none" | "length" | "chunked" | "until-close";

export interface UpstreamHead {
  readonly status: number;
  readonly statusText: string;
  /** End-to-end fields, names and values in turn. Content-Length is among them, Transfer-Encoding is not. */
  readonly fields: string[];
  readonly framing: Framing;
  /** The length of its body is not known before its end. */
  readonly isChunked: boolean;
  /** With framing by length. */
  readonly length: number;
  /** What a 101 changes to. */
  readonly upgrade: string;
  readonly hasDate: boolean;
  readonly isEventStream: boolean;
  /** Whether the connection may carry another exchange. */
  readonly isReusable: boolean;
  /** What the target says of how long it keeps the connection. */
  readonly keepAliveMs: number;
  /** Where its body begins in the text. */
  readonly end: number;
}

const DIGITS = /^\d{1,15}$/;

/** What a scan over the fields gathers. */
interface Scan {
  fields: string[];
  length: number;
  transferEncoding: string | undefined;
  connection: string;
  upgrade: string;
  trailerAt: number;
  hasDate: boolean;
  isEventStream: boolean;
  keepAliveMs: number;
  isSound: boolean;
}

/**
 * Reads the head at `from`, or says what is wrong with it. Everything ambiguous is wrong.
 *
 * HOT: once per response, benchmarks/proxy.
 */
export function readResponseHead(
  text: string,
  from: number,
  isHead: boolean,
): UpstreamHead | string {
  const match = matchResponseHead(text, from);
  if (match === undefined) return "a malformed response head";
  const { minor, status, statusText, fieldsAt, end } = match;
  const scan = scanFields(text, fieldsAt, end - 2);
  const coding = scan.transferEncoding;
  if (!scan.isSound) return "several lengths, or one that is no number";
  if (coding !== undefined && (minor === 0 || scan.length >= 0 || coding !== "chunked")) {
    return "an ambiguous Transfer-Encoding";
  }
  const framing = framingOf(status, isHead, coding, scan.length);
  dropMisleading(scan, status, framing);
  const nominated = nominatedBy(scan.connection);
  return {
    status,
    statusText,
    fields: nominated === undefined ? scan.fields : withoutFields(scan.fields, nominated),
    framing,
    isChunked: framing === "chunked" || framing === "until-close",
    length: scan.length,
    upgrade: scan.upgrade,
    hasDate: scan.hasDate,
    isEventStream: scan.isEventStream,
    isReusable: isReusable(minor, scan.connection) && framing !== "until-close",
    keepAliveMs: scan.keepAliveMs,
    end,
  };
}

function scanFields(text: string, from: number, end: number): Scan {
  const scan: Scan = {
    fields: [],
    length: -1,
    transferEncoding: undefined,
    connection: "",
    upgrade: "",
    trailerAt: -1,
    hasDate: false,
    isEventStream: false,
    keepAliveMs: Infinity,
    isSound: true,
  };
  for (let at = from; at < end;) {
    const colon = text.indexOf(":", at);
    const lineEnd = text.indexOf("\r\n", colon);
    const name = text.slice(at, colon);
    const value = trimmedPart(text, colon + 1, lineEnd);
    if (note(scan, name, value)) scan.fields.push(name, value);
    at = lineEnd + 2;
  }
  return scan;
}

/** Returns whether the field is passed on. */
function note(scan: Scan, name: string, value: string): boolean {
  switch (kindOf(name)) {
    case "content-length":
      if (scan.length !== -1 || !DIGITS.test(value)) scan.isSound = false;
      scan.length = Number(value);
      return true;
    case "transfer-encoding":
      // Two such fields make a list, which is not what is accepted.
      scan.transferEncoding =
        scan.transferEncoding === undefined ? value.toLowerCase() : "several codings";
      return false;
    case "connection":
      scan.connection = scan.connection === "" ? value : `${scan.connection},${value}`;
      return false;
    case "keep-alive":
      scan.keepAliveMs = keepAliveOf(value);
      return false;
    case "upgrade":
      scan.upgrade = value;
      return false;
    case "hop":
    case "te":
      return false;
    case "trailer":
      scan.trailerAt = scan.fields.length;
      return true;
    case "date":
      scan.hasDate = true;
      return true;
    case "content-type":
      scan.isEventStream = value.startsWith("text/event-stream");
      return true;
    case "expect":
    case "forwarded":
    case "host":
    case "via":
    case undefined:
      return true;
  }
}

function framingOf(
  status: number,
  isHead: boolean,
  coding: string | undefined,
  length: number,
): Framing {
  if (isHead || status < 200 || status === 204 || status === 304) return "none";
  if (coding !== undefined) return "chunked";
  return length >= 0 ? "length" : "until-close";
}

/** A length where RFC 9110 8.6 forbids one, and a Trailer that no trailers can follow, are not passed on. */
function dropMisleading(scan: Scan, status: number, framing: Framing): void {
  if (scan.trailerAt >= 0 && framing !== "chunked") {
    scan.fields = withoutFields(scan.fields, new Set(["trailer"]));
  }
  if ((status === 204 || status < 200) && scan.length >= 0) {
    scan.fields = withoutFields(scan.fields, new Set(["content-length"]));
  }
}

function isReusable(minor: 0 | 1, connection: string): boolean {
  if (connection === "") return minor === 1;
  return minor === 1 ? !hasToken(connection, "close") : hasToken(connection, "keep-alive");
}

/** HOT: a target says the same each time, benchmarks/proxy. */
let lastKeepAlive = { value: "", ms: Infinity };

function keepAliveOf(value: string): number {
  if (value !== lastKeepAlive.value) {
    const seconds = /\btimeout=(\d{1,6})/i.exec(value)?.[1];
    lastKeepAlive = { value, ms: seconds === undefined ? Infinity : Number(seconds) * 1_000 };
  }
  return lastKeepAlive.ms;
}

/** `fields` of trailers, from text that the grammar accepted. */
export function readTrailers(text: string): string[] {
  return fieldsOf(text, 0, text.length);
}
