// The streams that this side opened: items come in, an upload may go out beside them.

import { CrosswireError } from "../errors.ts";
import type { Definition } from "../wire/definition.ts";
import { type CallId, FRAME_TYPE, type Frame, idOf } from "../wire/frame.ts";
import { decodeReply, encodePayload } from "../wire/payload.ts";
import { encodeFailure, reviveFailure } from "../wire/remote-error.ts";
import { validate } from "../wire/schema.ts";
import { onAbort, type Signal } from "./abort.ts";
import type { Timer } from "./clock.ts";
import { Inflow } from "./inflow.ts";
import { assertExtension, assertRoom, assertSendable, type Link } from "./link.ts";
import { isSource, type Outflow, type Source } from "./outflow.ts";
import { outflowTo, receiveCredit, receiveItem } from "./stream-frames.ts";

/** Where bytes may be uploaded, one piece of them is an upload too. */
type BytesIn<Upload> = Uint8Array extends Upload ? Uint8Array : never;

export interface StreamOptions<Upload = unknown> {
  /** Bound on the whole stream. */
  readonly timeoutMs?: number;
  readonly signal?: Signal;
  /** What to send along: bytes or items, as fast as the handler reads them. */
  readonly upload?: AsyncIterable<Upload> | Iterable<Upload> | BytesIn<Upload>;
}

/** The items of a stream. `break` and `return()` cancel the producer; an early end rejects `next()`. */
export type ItemStream<Item = unknown> = AsyncIterableIterator<Item> & AsyncDisposable;

interface Opened {
  readonly definition: Definition;
  readonly inflow: Inflow;
  upload: Outflow | undefined;
  timer: Timer;
  release: (() => void) | undefined;
}

export class OpenedStreams {
  #link: Link;
  #streams = new Map<CallId, Opened>();

  constructor(link: Link) {
    this.#link = link;
  }

  get size(): number {
    return this.#streams.size;
  }

  /** Sends the opening at once. Every failure, also of the opening, is thrown where the items are read. */
  open(id: CallId, definition: Definition, payload: unknown, options: StreamOptions): ItemStream {
    const stream = this.#add(id, definition);
    try {
      if (options.signal?.aborted === true) throw options.signal.reason;
      this.#send(id, stream, payload, options);
    } catch (error) {
      this.#end(id)?.inflow.fail(error);
    }
    return stream.inflow;
  }

  /** False when no such stream is open. */
  receive(frame: Frame, attachments: readonly Uint8Array[]): boolean {
    const id = idOf(frame.id);
    const stream = this.#streams.get(id);
    if (stream === undefined) return false;
    switch (frame.type) {
      case FRAME_TYPE.item:
        receiveItem(this.#link, stream.inflow, frame, attachments, stream.definition.path);
        return true;
      case FRAME_TYPE.end:
        this.#ended(id, stream, frame);
        return true;
      case FRAME_TYPE.uploadCredit:
        return receiveCredit(stream.upload, frame);
      case FRAME_TYPE.uploadStop:
        stream.upload?.stop();
        return true;
      default:
        return false;
    }
  }

  failAll(error: CrosswireError): void {
    for (const id of [...this.#streams.keys()]) this.#end(id)?.inflow.fail(error);
  }

  #add(id: CallId, definition: Definition): Opened {
    const { limits, outbox } = this.#link;
    const { output, path } = definition;
    const inflow = new Inflow({
      windowBytes: limits.streamWindowBytes,
      maxItemBytes: limits.maxFrameBytes,
      grant: (bytes) => outbox.post(FRAME_TYPE.credit, id, "", String(bytes)),
      onStop: () => {
        if (this.#end(id) !== undefined) outbox.post(FRAME_TYPE.cancel, id, "", "");
      },
      ...(output === undefined
        ? {}
        : { accept: (item) => validate(output, item, `An item of ${JSON.stringify(path)}`) }),
    });
    const stream: Opened = {
      definition,
      inflow,
      upload: undefined,
      timer: undefined,
      release: undefined,
    };
    this.#streams.set(id, stream);
    return stream;
  }

  #send(id: CallId, stream: Opened, payload: unknown, options: StreamOptions): void {
    const { limits, outbox } = this.#link;
    const { definition } = stream;
    const what = `The stream ${JSON.stringify(definition.path)}`;
    this.#link.owner.assertOpen(definition.path);
    assertExtension(this.#link, "stream", what);
    assertRoom(this.#link, what);
    if (this.#streams.size > limits.maxStreams) {
      throw new CrosswireError(
        "XW_OVERLOADED",
        `${what} was not opened: limits.maxStreams (${limits.maxStreams}) are open to ${this.#link.peer}.`,
        { detail: { limit: "maxStreams" } },
      );
    }
    const upload = uploadOf(options.upload);
    const body = encodePayload(payload, definition.codec, limits.maxDepth);
    assertSendable(this.#link, definition.path, body);
    const timeoutMs = options.timeoutMs ?? definition.timeoutMs ?? Infinity;
    const time = timeoutMs === Infinity ? "" : `;t=${timeoutMs}`;
    const idField = `${id}${time}${upload === undefined ? "" : ";u"}`;
    outbox.postBody(FRAME_TYPE.open, idField, definition.path, body);
    this.#watch(id, stream, timeoutMs, options.signal);
    if (upload !== undefined) this.#startUpload(id, stream, upload);
  }

  #watch(id: CallId, stream: Opened, timeoutMs: number, signal: StreamOptions["signal"]): void {
    const { clock, peer } = this.#link;
    const { path } = stream.definition;
    if (timeoutMs !== Infinity) {
      stream.timer = clock.setTimer(() => {
        const text = `The stream ${JSON.stringify(path)} from ${peer} did not end in ${timeoutMs} ms.`;
        this.#abandon(id, new CrosswireError("XW_TIMEOUT", text, { path, peer }));
      }, timeoutMs);
    }
    if (signal === undefined) return;
    stream.release = onAbort(signal, () => this.#abandon(id, signal.reason));
  }

  #abandon(id: CallId, error: unknown): void {
    this.#link.outbox.post(FRAME_TYPE.cancel, id, "", "");
    this.#end(id)?.inflow.fail(error);
  }

  #startUpload(id: CallId, stream: Opened, source: Source): void {
    const { outbox } = this.#link;
    const outflow = outflowTo(this.#link, FRAME_TYPE.upload, id, stream.definition);
    stream.upload = outflow;
    outflow.run(source).then(
      (isComplete) => {
        if (isComplete) outbox.post(FRAME_TYPE.uploadEnd, id, "", "");
      },
      (error: unknown) => {
        // The handler learns that the upload broke; the reader gets the original error, not its echo.
        if (!this.#streams.has(id)) return;
        outbox.post(FRAME_TYPE.uploadEnd, id, "", encodeFailure(error, false));
        this.#abandon(id, error);
      },
    );
  }

  #ended(id: CallId, stream: Opened, frame: Frame): void {
    this.#end(id);
    if (frame.data === "") return stream.inflow.finish();
    stream.inflow.fail(this.#failure(stream.definition.path, frame));
  }

  #failure(path: string, frame: Frame): unknown {
    const { limits, peer } = this.#link;
    try {
      const { error, err } = decodeReply(frame.data, frame.attributes, [], limits.maxDepth);
      const what = `The stream ${JSON.stringify(path)} from ${peer}`;
      return reviveFailure(error, err, { what, path, peer });
    } catch (unreadable) {
      return unreadable;
    }
  }

  #end(id: CallId): Opened | undefined {
    const stream = this.#streams.get(id);
    if (stream === undefined) return undefined;
    this.#streams.delete(id);
    stream.release?.();
    this.#link.clock.clearTimer(stream.timer);
    stream.upload?.stop();
    this.#link.owner.settled();
    return stream;
  }
}

/** A stream that failed before it could be opened: its error is thrown where it is read, like every other. */
export function failedStream(error: unknown): ItemStream {
  const inflow = new Inflow({ windowBytes: 1, maxItemBytes: 1, grant: () => {}, onStop: () => {} });
  inflow.fail(error);
  return inflow;
}

/** Throws TypeError for an upload that cannot be iterated. */
function uploadOf(upload: unknown): Source | undefined {
  if (upload === undefined) return undefined;
  if (upload instanceof Uint8Array) return [upload];
  if (isSource(upload)) return upload;
  throw new TypeError("The upload of a stream must be bytes, an iterable or an async iterable.");
}
