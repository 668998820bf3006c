// What the asking half and the answering half of a channel share.

import { CrosswireError } from "../errors.ts";
import type { Report } from "../lifetime.ts";
import type { Limits } from "../limits.ts";
import type { TraceSinks } from "../trace.ts";
import type { Frame } from "../wire/frame.ts";
import type { Body } from "../wire/payload.ts";
import type { Clock } from "./clock.ts";
import { basePeer, type Extension, type PeerFacts } from "./hello.ts";
import { Outbox } from "./outbox.ts";
import type { Transport } from "./transport.ts";

export interface Link {
  readonly outbox: Outbox;
  readonly limits: Limits;
  readonly clock: Clock;
  readonly trace: TraceSinks;
  readonly report: Report;
  /** What the other side can do; replaced when its hello arrives. */
  facts: PeerFacts;
  /** Who the other side is, in words. */
  readonly peer: string;
  /** Nothing times out while either side sits in a debugger. */
  readonly isPaused: () => boolean;
  /** A frame without effect: counted and traced, never fatal. */
  readonly dropped: (frame: Frame, reason: string) => void;
  /** The other side broke the protocol: the connection ends. */
  readonly violated: (error: CrosswireError) => void;
  /** Throws the reason when nothing new may be sent. */
  readonly assertOpen: (what: string) => void;
  /** Something settled; a closing channel waits for that. */
  readonly settled: () => void;
}

/** What only the channel can decide. */
export type LinkHooks = Pick<Link, "violated" | "assertOpen" | "settled"> & {
  readonly onOverflow: (bufferedBytes: number) => void;
};

export type LinkOptions = Pick<Link, "limits" | "clock" | "trace" | "report" | "peer"> & {
  readonly transport: Transport;
};

export function createLink(options: LinkOptions, hooks: LinkHooks): Link {
  const { limits, clock, trace, report, peer } = options;
  const { onOverflow, violated, assertOpen, settled } = hooks;
  const link: Link = {
    outbox: new Outbox(options, onOverflow),
    limits,
    clock,
    trace,
    report,
    peer,
    facts: basePeer(limits),
    isPaused: () => clock.isPaused() || link.facts.isDebugged,
    dropped: ({ type }, reason) => {
      const sink = trace["frame:dropped"];
      if (sink.hasSubscribers) sink.publish({ peer, type, reason });
    },
    violated,
    assertOpen,
    settled,
  };
  return link;
}

/** Throws XW_UNSUPPORTED when the other side never said that it knows `extension`. */
export function assertExtension(link: Link, extension: Extension, what: string): void {
  if (link.facts.extensions.has(extension)) return;
  throw new CrosswireError(
    "XW_UNSUPPORTED",
    `${what} needs the protocol extension "${extension}", which ${link.peer} did not announce: ` +
      "it speaks only the base protocol. Use plain JSON calls with it, or Crosswire on both sides.",
    { peer: link.peer },
  );
}

/** Refuses what the other side would refuse: there it would cost the connection, here only this one message. */
export function assertSendable(link: Link, path: string, body: Body): void {
  const { data, attachments, rich } = body;
  if (rich) assertExtension(link, "attributes", `The rich codec of ${JSON.stringify(path)}`);
  if (attachments.length > 0) assertExtension(link, "binary", `Bytes in ${JSON.stringify(path)}`);
  const max = link.facts.maxFrameBytes;
  // A character takes at most three bytes, so counting is left out for nearly all.
  if (attachments.length === 0 && data.length * 3 + FRAME_OVERHEAD <= max) return;
  const size =
    attachments.reduce((sum, bytes) => sum + bytes.byteLength, utf8Length(data)) + FRAME_OVERHEAD;
  if (size <= max) return;
  throw new CrosswireError(
    "XW_LIMIT",
    `${JSON.stringify(path)} takes ${size} bytes; ${link.peer} accepts frames up to ${max}. ` +
      "Send it as a stream, or raise limits.maxFrameBytes there.",
    { path, peer: link.peer, detail: { limit: "maxFrameBytes", size, max } },
  );
}

/** Throws XW_OVERLOADED while too much is unsent. */
export function assertRoom(link: Link, what: string): void {
  if (!link.outbox.isCongested) return;
  throw new CrosswireError(
    "XW_OVERLOADED",
    `${what} was not sent: over ${link.limits.softQueueBytes} bytes to ${link.peer} are unsent because it ` +
      "does not read fast enough. Send less, or wait with drain().",
    { peer: link.peer, detail: { limit: "softQueueBytes" } },
  );
}

/** Type, id, attributes and path of any frame fit into this. */
const FRAME_OVERHEAD = 1024;

function utf8Length(text: string): number {
  let length = text.length;
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (char > 0x7f) length += char > 0x7ff ? 2 : 1;
    // A surrogate pair is two units and four bytes; both halves were counted as three.
    if (char >= 0xdc00 && char <= 0xdfff) length -= 2;
  }
  return length;
}
