// A transport whose end lives in a worker thread, driven from the main thread as if it were here.

import { once } from "node:events";
import { join } from "node:path";
import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import { inject } from "vitest";
import type {
  CloseReason,
  IncomingFrame,
  OutgoingFrame,
  Transport,
  TransportEvents,
} from "../../src/channel/transport.ts";
import type { Errand } from "./children/port-worker.ts";

export type Command =
  | { readonly do: "open" }
  | { readonly do: "send"; readonly frame: OutgoingFrame }
  | { readonly do: "close"; readonly code: number; readonly reason: string }
  | { readonly do: "terminate"; readonly reason: CloseReason | undefined };

export type Told =
  | { readonly event: "frame"; readonly frame: IncomingFrame }
  | { readonly event: "close"; readonly reason: CloseReason }
  | { readonly event: "alive" | "drain" | "done" };

/** A thread that can hold many transports: starting it takes longer than a test. */
export function startPortWorker(): Worker {
  return new Worker(join(inject("compiled").src, "test/transports/children/port-worker.js"));
}

export class RemoteTransport implements Transport {
  #control: MessagePort;
  #events: TransportEvents | undefined;
  #bufferedBytes = 0;

  private constructor(control: MessagePort) {
    this.#control = control;
    control.on("message", (told: Told & { readonly bufferedBytes: number }) => {
      this.#bufferedBytes = told.bufferedBytes;
      this.#told(told);
    });
  }

  /** `port` moves into the worker. */
  static async start(port: MessagePort, worker: Worker): Promise<RemoteTransport> {
    const { port1: control, port2: remote } = new MessageChannel();
    worker.postMessage({ port, control: remote } satisfies Errand, [port, remote]);
    // Its first word says that the transport is there.
    await once(control, "message");
    return new RemoteTransport(control);
  }

  /** Nothing more is asked of it. */
  release(): void {
    this.#control.close();
  }

  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  open(events: TransportEvents): void {
    this.#events = events;
    this.#command({ do: "open" });
  }

  send(frame: OutgoingFrame): boolean {
    // What is on its way to the worker has not left either.
    this.#bufferedBytes++;
    this.#command({ do: "send", frame });
    return true;
  }

  close(code: number, reason: string): void {
    this.#command({ do: "close", code, reason });
  }

  terminate(reason?: CloseReason): void {
    this.#command({ do: "terminate", reason });
  }

  #command(command: Command): void {
    this.#control.postMessage(command);
  }

  #told(told: Told): void {
    if (told.event === "frame") this.#events?.frame(told.frame);
    else if (told.event === "close") this.#events?.close(told.reason);
    else if (told.event !== "done") this.#events?.[told.event]();
  }
}
