// A stream that the other side opened: items go out, its upload comes in.

import type { CrosswireError } from "../errors.ts";
import { attribute, type CallId, FRAME_TYPE, type Frame } from "../wire/frame.ts";
import { decodeReply } from "../wire/payload.ts";
import { reviveFailure } from "../wire/remote-error.ts";
import { CallContext, type Caller } from "./call-context.ts";
import type { Registration } from "./handlers.ts";
import { Inflow } from "./inflow.ts";
import type { Link } from "./link.ts";
import { isSource, type Outflow, type Source } from "./outflow.ts";
import type { Served } from "./serving.ts";
import { outflowTo, receiveCredit, receiveItem } from "./stream-frames.ts";

export class ServedStream implements Served {
  readonly context: CallContext;
  #link: Link;
  #id: CallId;
  #registration: Registration;
  #outflow: Outflow;
  #upload: Inflow | undefined;

  constructor(
    link: Link,
    id: CallId,
    frame: Frame,
    registration: Registration,
    caller: Caller,
    dueAt: number,
  ) {
    this.#link = link;
    this.#id = id;
    this.#registration = registration;
    this.#outflow = outflowTo(link, FRAME_TYPE.item, id, registration.definition);
    if (attribute(frame.attributes, "u") !== undefined) this.#upload = this.#inflow();
    this.context = new CallContext(frame.path, caller, link.clock, dueAt, this.#upload);
  }

  /** Resolves when all items were sent or the stream was stopped; rejects with what the handler threw. */
  async run(payload: unknown): Promise<void> {
    const source = await this.#registration.handle(payload, this.context);
    await this.#outflow.run(asSource(source, this.context.path));
  }

  /** False for a frame that makes no sense here. */
  receive(frame: Frame, attachments: readonly Uint8Array[]): boolean {
    if (frame.type === FRAME_TYPE.credit) return receiveCredit(this.#outflow, frame);
    if (this.#upload === undefined) return false;
    if (frame.type === FRAME_TYPE.upload) {
      receiveItem(this.#link, this.#upload, frame, attachments, this.context.path);
    } else if (frame.data === "") {
      this.#upload.finish();
    } else {
      this.#upload.fail(this.#uploadFailure(frame));
    }
    return true;
  }

  get path(): string {
    return this.context.path;
  }

  get dueAt(): number {
    return this.context.dueAt;
  }

  cancel(reason: CrosswireError): void {
    this.context.cancel(reason);
    this.#upload?.fail(reason);
    this.#outflow.stop();
  }

  /** The handler is done: what it did not read of the upload is not wanted any more. */
  finish(): void {
    this.#upload?.finish();
  }

  #inflow(): Inflow {
    const { limits, outbox } = this.#link;
    return new Inflow({
      windowBytes: limits.streamWindowBytes,
      maxItemBytes: limits.maxFrameBytes,
      grant: (bytes) => outbox.post(FRAME_TYPE.uploadCredit, this.#id, "", String(bytes)),
      onStop: () => outbox.post(FRAME_TYPE.uploadStop, this.#id, "", ""),
    });
  }

  #uploadFailure(frame: Frame): unknown {
    const { path } = this.context;
    const what = `The upload of ${JSON.stringify(path)}`;
    try {
      const { error, err } = decodeReply(frame.data, "", [], this.#link.limits.maxDepth);
      return reviveFailure(error, err, { what, path, peer: this.#link.peer });
    } catch (unreadable) {
      return unreadable;
    }
  }
}

function asSource(source: unknown, path: string): Source {
  if (isSource(source)) return source;
  throw new TypeError(
    `The handler of the stream ${JSON.stringify(path)} returned no iterable; write it as an async generator.`,
  );
}
