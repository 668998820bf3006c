// One start of a receiver: its server, the senders that are attached to it, and its note for those who look for it.

import { CrosswireError } from "../../errors.ts";
import { IPCServer } from "../../ipc/server.ts";
import type { Undo } from "../../lifetime.ts";
import { warn } from "../../node/diagnostics.ts";
import { WINDOW_BYTES } from "../body-limits.ts";
import { checkHead, checkSettled, checkUnhandled } from "../check-frames.ts";
import { type BodyItem, CpriIPC, type State } from "../cpri-ipc.ts";
import type { HandlerScopes } from "../handler-scopes.ts";
import { newId, Rendezvous, type SenderNote } from "../rendezvous.ts";
import { open } from "../wire-body.ts";
import { Answering } from "./answering.ts";
import type { Monitor } from "./monitor.ts";
import { Pickup } from "./pickup.ts";
import { Senders } from "./senders.ts";
import { WebSocketAnswering } from "./websocket-answering.ts";
import type { UnhandledStrategy } from "./unhandled.ts";

export interface ListenOptions {
  /** A free one unless given. */
  readonly port?: number;
  /** Only senders of the same name find this receiver. Without: CROSSWIRE_NAME, else the root of the workspace. */
  readonly name?: string;
  /** Instead of a random one. */
  readonly token?: string;
  /** Whether it keeps this process alive. */
  readonly keepsAlive?: boolean;
}

export interface ListeningParts {
  readonly scopes: HandlerScopes;
  readonly monitor: Monitor;
  readonly state: () => State;
  readonly unhandled: () => UnhandledStrategy;
}

/** A sender that has left a note and does not come within this time is stopped, or gone. */
const ARRIVAL_MS = 2_000;
const THREAD_ARRIVAL_MS = 300;

export class Listening {
  readonly server: IPCServer;
  readonly senders: Senders;
  #options: ListenOptions;
  #parts: ListeningParts;
  #bodies = new Pickup<AsyncIterableIterator<BodyItem>>((body) => {
    // Its handler may have more to say about it, which nobody hears.
    body.return?.().catch(() => {});
  });
  #webSockets: WebSocketAnswering;
  #withdraw: Undo | undefined;
  #isClosed = false;

  constructor(options: ListenOptions, parts: ListeningParts) {
    const { port = 0, token, keepsAlive = true } = options;
    this.#options = options;
    this.#parts = parts;
    this.server = new IPCServer(port, {
      keepsAlive,
      name: "crosswire/cpri",
      limits: { streamWindowBytes: WINDOW_BYTES },
      ...(token === undefined ? {} : { token }),
    });
    this.senders = new Senders(this.server, parts.state);
    this.#webSockets = new WebSocketAnswering(parts.scopes, warn);
    this.#serve();
  }

  /** Resolves when the senders that look for this name are attached. Rejects with XW_LISTEN. */
  async start(): Promise<void> {
    const { port = 0, name } = this.#options;
    if (!(await this.server.start())) {
      const text = `The port ${port} is taken. Leave it out: senders find any port by themselves.`;
      throw new CrosswireError("XW_LISTEN", text);
    }
    // It was closed meanwhile: nobody is to look for it.
    if (this.#isClosed) return;
    const rendezvous = new Rendezvous(name);
    const { CROSSWIRE_URL: url, CROSSWIRE_TOKEN: token } = this.server.env;
    // Before looking who is there: whoever comes between sees the note.
    this.#withdraw = rendezvous.announce("receiver", { id: newId(), pid: process.pid, url, token });
    const notes = rendezvous.senders();
    const missing = await this.#arrival(notes);
    if (this.#isClosed) return;
    for (const note of notes) if (missing.includes(note.id)) rendezvous.forget("sender", note);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#withdraw?.();
    this.senders.close();
    this.#bodies.close();
    this.#webSockets.close();
    await this.server.close();
  }

  /** To those that did not come. A thread that was terminated leaves its note, and its process lives: less patience. */
  async #arrival(notes: readonly SenderNote[]): Promise<readonly string[]> {
    const idsOf = (isThread: boolean): string[] =>
      notes.filter((note) => (note.isThread ?? false) === isThread).map(({ id }) => id);
    const missing = await Promise.all([
      this.senders.arrival(idsOf(false), ARRIVAL_MS),
      this.senders.arrival(idsOf(true), THREAD_ARRIVAL_MS),
    ]);
    return missing.flat();
  }

  #serve(): void {
    const { server } = this;
    const { scopes, monitor, unhandled } = this.#parts;
    const answering = new Answering({
      scopes,
      monitor,
      unhandled,
      bodies: this.#bodies,
      requestBody: (senderId, id) => server.openStream(senderId, CpriIPC.requestBody, { id }),
    });
    server.onFrameworkMessage(CpriIPC.request, (payload, context) =>
      answering.answer(payload, context),
    );
    server.onFrameworkMessage(CpriIPC.webSocketOpen, (head, context) => {
      checkHead("cpri/ws-open", head);
      return this.#webSockets.open(head, context);
    });
    server.onStream(CpriIPC.webSocketFrame, (asked, context) =>
      this.#webSockets.frames(asked?.id, context),
    );
    server.onStream(CpriIPC.responseBody, (asked, { runtimeId = "" }) =>
      this.#bodies.take(runtimeId, asked?.id),
    );
    server.onMessage(CpriIPC.seen, (payload, context) => answering.see(payload, context));
    server.onMessage(CpriIPC.settled, (payload, { runtimeId = "" }) => {
      const { value, bytes } = open(payload);
      checkSettled(value);
      monitor.settled(value, bytes, runtimeId);
    });
    server.onMessage(CpriIPC.unhandled, (told) => {
      checkUnhandled(told);
      unhandled().tell(told.method, told.url, told.contextId);
    });
    server.onClientDisconnect(({ runtimeId = "" }) => {
      this.#bodies.dropOf(runtimeId);
      this.#webSockets.forget(runtimeId);
      monitor.forget(runtimeId);
    });
  }
}
