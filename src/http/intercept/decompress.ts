// Undoes the Content-Encoding of a body, with a bound on what comes out.

import { promisify } from "node:util";
import * as zlib from "node:zlib";
import { HttpRefusal } from "./http-refusal.ts";
import { tooLarge } from "./raw-body.ts";

type Decoder = (raw: Buffer, options: zlib.ZlibOptions) => Promise<Buffer>;
type Callback = (error: Error | null, result: Buffer) => void;
type Zstd = (raw: Buffer, options: zlib.ZlibOptions, callback: Callback) => void;

const gunzip: Decoder = promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.gunzip);
const inflate: Decoder = promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.inflate);
const inflateRaw: Decoder = promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.inflateRaw);
const brotli: Decoder = promisify<Buffer, zlib.BrotliOptions, Buffer>(zlib.brotliDecompress);
/** Since Node 22.15. */
const { zstdDecompress } = zlib as { readonly zstdDecompress?: Zstd };

const DECODERS: ReadonlyMap<string, Decoder> = new Map([
  ["gzip", gunzip],
  ["x-gzip", gunzip],
  ["deflate", deflateOfAnyKind],
  ["br", brotli],
  ...(zstdDecompress === undefined
    ? []
    : ([["zstd", promisify<Buffer, zlib.ZlibOptions, Buffer>(zstdDecompress)]] as const)),
]);

/** Each coding costs a pass over up to `maxBytes`, and nobody applies more than one or two. */
const MAX_CODINGS = 3;

/** Rejects with 413 when more than `maxBytes` come out, with 415 for an unknown coding, with 400 for broken data. */
export async function decompress(raw: Buffer, header: string, maxBytes: number): Promise<Buffer> {
  const decoders = decodersOf(header);
  let body = raw;
  for (const { coding, decode } of decoders) {
    try {
      // SECURITY: a few kilobytes may become gigabytes; zlib stops at the limit instead of allocating them.
      body = await decode(body, maxBytes === Infinity ? {} : { maxOutputLength: maxBytes });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE")
        throw tooLarge(maxBytes);
      const text = `The body cannot be decompressed as ${coding}: ${(error as Error).message}.`;
      throw new HttpRefusal(400, "XW_INVALID", text);
    }
  }
  return body;
}

interface Step {
  readonly coding: string;
  readonly decode: Decoder;
}

/** The coding applied last is undone first. */
function decodersOf(header: string): Step[] {
  const codings = header.split(",").map((coding) => coding.trim().toLowerCase());
  const applied = codings.filter((coding) => coding !== "" && coding !== "identity");
  if (applied.length > MAX_CODINGS) throw unknown(header);
  return applied.reverse().map((coding) => {
    const decode = DECODERS.get(coding);
    if (decode === undefined) throw unknown(coding);
    return { coding, decode };
  });
}

function unknown(coding: string): HttpRefusal {
  const shown = JSON.stringify(coding.slice(0, 80));
  const known = [...DECODERS.keys()].join(", ");
  const text = `The Content-Encoding ${shown} is not known here; ${known} are.`;
  return new HttpRefusal(415, "XW_REFUSED", text);
}

/** The standard means zlib's format; some send the bare stream, and its first byte tells. */
function deflateOfAnyKind(raw: Buffer, options: zlib.ZlibOptions): Promise<Buffer> {
  const isZlib = ((raw[0] ?? 0) & 0x0f) === 8;
  return isZlib ? inflate(raw, options) : inflateRaw(raw, options);
}
