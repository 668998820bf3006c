// The frames of streams, as both ends read and write them.

import type { Definition } from "../wire/definition.ts";
import { attribute, type CallId, type Frame, type FrameType } from "../wire/frame.ts";
import { decodePayload, encodePayload, type Body } from "../wire/payload.ts";
import { costOf, type Inflow, overdrawn } from "./inflow.ts";
import { assertSendable, type Link } from "./link.ts";
import { Outflow } from "./outflow.ts";

/** A piece of an item that goes on in the next frame. */
const PART = "m";

/** Puts an item frame into its queue. What cannot be read ends the stream, not the connection. */
export function receiveItem(
  link: Link,
  inflow: Inflow,
  frame: Frame,
  attachments: readonly Uint8Array[],
  path: string,
): void {
  const cost = costOf(frame.data, attachments);
  const bytes = attachments[0];
  const isPart = bytes !== undefined && attribute(frame.attributes, PART) !== undefined;
  try {
    const accepted = isPart
      ? inflow.pushPart(bytes, cost)
      : inflow.push(
          decodePayload(frame.data, frame.attributes, attachments, link.limits.maxDepth),
          cost,
        );
    if (!accepted) link.owner.end(overdrawn(path));
  } catch (error) {
    inflow.fail(error);
    void inflow.return();
  }
}

/** Lets the producer send more. False for a frame that grants nothing readable. */
export function receiveCredit(outflow: Outflow | undefined, frame: Frame): boolean {
  if (!/^\d{1,15}$/.test(frame.data)) return false;
  outflow?.grant(Number(frame.data));
  return true;
}

/** An outflow whose items leave as frames of `type` under `id`. */
export function outflowTo(
  link: Link,
  type: FrameType,
  id: CallId,
  definition: Pick<Definition, "codec" | "path">,
): Outflow {
  const { outbox, limits, facts } = link;
  return new Outflow({
    credit: facts.streamWindowBytes,
    chunkBytes: limits.streamChunkBytes,
    encode: (item): Body => {
      const body = encodePayload(item, definition.codec, limits.maxDepth);
      assertItemSendable(link, definition.path, body, limits.streamChunkBytes);
      return body;
    },
    post: (body, isPart) => outbox.postBody(type, isPart ? `${id};${PART}` : id, "", body),
    room: () => outbox.room(),
  });
}

/** Plain bytes are cut into pieces, so only other items can be too large for a frame. */
function assertItemSendable(link: Link, path: string, body: Body, chunkBytes: number): void {
  const cut = !body.rich && body.attachments.length > 0;
  const attachments = cut
    ? body.attachments.map((bytes) => bytes.subarray(0, chunkBytes))
    : body.attachments;
  assertSendable(link, path, { ...body, attachments });
}
