// Between a value and the part of a frame that carries it: JSON text, bytes beside it, and which codec wrote it.

import { CrosswireError } from "../errors.ts";
import { assertAttachmentCount } from "./binary-frame.ts";
import { attribute } from "./frame.ts";
import { parseJson, stringifyJson } from "./json.ts";
import { revive } from "./rich-revive.ts";
import { serialize } from "./rich-serialize.ts";
import { WithBytes } from "./with-bytes.ts";

/** "json" is plain JSON. "rich" keeps Date, Map, Set, BigInt, undefined, NaN, URL, Error and nested bytes. */
export type Codec = "json" | "rich";

export interface Body {
  readonly data: string;
  readonly attachments: readonly Uint8Array[];
  readonly rich: boolean;
}

const NO_ATTACHMENTS: readonly Uint8Array[] = [];
/** A tagged value takes up to four JSON levels: `{"$":["map",[[key, value]]]}`. */
const LEVELS_PER_TAG = 4;

/** Bytes travel as bytes, everything else through the codec. Throws XW_ENCODE naming the property at fault. */
export function encodePayload(value: unknown, codec: Codec, maxDepth: number): Body {
  if (codec === "rich") return encodeRich(value, maxDepth);
  if (typeof value === "object" && value !== null) {
    if (ArrayBuffer.isView(value)) return bytesBody(asBytes(value));
    if (value instanceof ArrayBuffer) return bytesBody(new Uint8Array(value));
    if (value instanceof WithBytes) {
      return { data: stringifyJson(value.value), attachments: [value.bytes], rich: false };
    }
  }
  return { data: stringifyJson(value), attachments: NO_ATTACHMENTS, rich: false };
}

/** What `encodePayload` was given. */
export function decodePayload(
  data: string,
  attributes: string,
  attachments: readonly Uint8Array[],
  maxDepth: number,
): unknown {
  // HOT: benchmarks/run.ts. Nearly every frame has neither attributes nor attachments.
  if (attributes !== "" && attribute(attributes, "c") === "rich") {
    return decodeRich(data, attachments, maxDepth);
  }
  const [bytes] = attachments;
  if (bytes === undefined) return parseJson(data, maxDepth);
  return data === "" ? bytes : new WithBytes(parseJson(data, maxDepth), bytes);
}

/** The success half of a response: `{"success":true,"data":…}`. */
export function encodeResult(value: unknown, codec: Codec, maxDepth: number): Body {
  const body = encodePayload(value, codec, maxDepth);
  const data = body.data === "" ? '{"success":true}' : `{"success":true,"data":${body.data}}`;
  return { data, attachments: body.attachments, rich: body.rich };
}

export interface Reply {
  readonly success: boolean;
  readonly data?: unknown;
  readonly error?: unknown;
  readonly err?: unknown;
}

/** Either half of a response. Throws XW_FRAME when it is neither. */
export function decodeReply(
  text: string,
  attributes: string,
  attachments: readonly Uint8Array[],
  maxDepth: number,
): Reply {
  const rich = attributes !== "" && attribute(attributes, "c") === "rich";
  // The envelope itself is one level more.
  const reply = parseJson(text, 1 + (rich ? maxDepth * LEVELS_PER_TAG : maxDepth)) as Reply | null;
  if (typeof reply !== "object" || reply === null || typeof reply.success !== "boolean") {
    throw new CrosswireError("XW_FRAME", "A response is not of the form {success, data, error}.");
  }
  if (rich) return { ...reply, data: revive(reply.data, attachments, maxDepth) };
  const [bytes] = attachments;
  if (bytes === undefined) return reply;
  return { ...reply, data: reply.data === undefined ? bytes : new WithBytes(reply.data, bytes) };
}

function encodeRich(value: unknown, maxDepth: number): Body {
  const attachments: Uint8Array[] = [];
  const data = stringifyJson(serialize(value, attachments, maxDepth));
  assertAttachmentCount(attachments);
  return { data, attachments, rich: true };
}

function decodeRich(data: string, attachments: readonly Uint8Array[], maxDepth: number): unknown {
  return revive(parseJson(data, maxDepth * LEVELS_PER_TAG), attachments, maxDepth);
}

function bytesBody(bytes: Uint8Array): Body {
  return { data: "", attachments: [bytes], rich: false };
}

function asBytes(view: ArrayBufferView): Uint8Array {
  if (view instanceof Uint8Array) return view;
  // A Float64Array would arrive as bytes: a silent change of type, so it is refused.
  throw new CrosswireError(
    "XW_ENCODE",
    `A ${view.constructor.name} would arrive as plain bytes. Send new Uint8Array(view.buffer), or define the path with { codec: "rich" }.`,
  );
}
