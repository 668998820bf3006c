// What the asking half and the answering half of a channel share.

import { CrosswireError } from "../errors.ts";
import type { Limits } from "../limits.ts";
import type { TraceSinks } from "../trace.ts";
import type { Frame } from "../wire/frame.ts";
import type { Body } from "../wire/payload.ts";
import type { Clock } from "./clock.ts";
import type { Ending } from "./closing.ts";
import type { Endpoint } from "./endpoint.ts";
import { basePeer, type Extension, type PeerFacts } from "./hello.ts";
import { Outbox } from "./outbox.ts";
import type { Transport } from "./transport.ts";

/** What only the channel can decide. */
export interface LinkOwner {
  /** Ends the conversation with this error. */
  end(ending: Ending): void;
  /** The same where the other side does not read any more, so that a polite close would wait forever. */
  abandon(ending: Ending): void;
  /** Throws the reason when nothing new may be sent. */
  assertOpen(path: string): void;
  /** Something settled; a closing channel waits for that. */
  settled(): void;
}

export class Link {
  readonly outbox: Outbox;
  readonly endpoint: Endpoint;
  /** Who the other side is, in words. */
  readonly peer: string;
  readonly owner: LinkOwner;
  /** What the other side can do; replaced when its hello arrives. */
  facts: PeerFacts;

  constructor(transport: Transport, endpoint: Endpoint, peer: string, owner: LinkOwner) {
    this.endpoint = endpoint;
    this.peer = peer;
    this.owner = owner;
    this.facts = basePeer(endpoint.limits);
    this.outbox = new Outbox(transport, this);
  }

  get limits(): Limits {
    return this.endpoint.limits;
  }

  get clock(): Clock {
    return this.endpoint.clock;
  }

  get trace(): TraceSinks {
    return this.endpoint.trace;
  }

  /** Nothing times out while either side sits in a debugger. */
  get isPaused(): boolean {
    return this.facts.isDebugged || this.endpoint.clock.isPaused();
  }

  /** A frame without effect: counted and traced, never fatal. */
  dropped({ type }: Frame, reason: string): void {
    const sink = this.trace["frame:dropped"];
    if (sink.hasSubscribers) sink.publish({ peer: this.peer, type, reason });
  }
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
