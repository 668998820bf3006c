// Tells whoever listens that a frame came or went. Its content is never told.

import type { TraceSinks } from "../trace.ts";
import { byteLengthOf } from "../wire/binary-frame.ts";
import type { IncomingFrame, OutgoingFrame } from "./transport.ts";

export function traceFrame(
  { trace, peer }: { readonly trace: TraceSinks; readonly peer: string },
  event: "frame:in" | "frame:out",
  frame: IncomingFrame | OutgoingFrame,
): void {
  const sink = trace[event];
  if (!sink.hasSubscribers) return;
  const bytes = frame instanceof Uint8Array ? frame.byteLength : byteLengthOf(frame);
  sink.publish({ peer, bytes, binary: typeof frame !== "string" });
}
