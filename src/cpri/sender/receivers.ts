// The receivers that a sender is attached to: how it finds them, and in which order they are asked.

import { type ErrorCode, isCrosswireError } from "../../errors.ts";
import { isMainThread } from "node:worker_threads";
import type { Undo } from "../../lifetime.ts";
import { warn } from "../../node/diagnostics.ts";
import { backgroundClock } from "../../node/node-clock.ts";
import { Changes } from "../changes.ts";
import { newId, Rendezvous } from "../rendezvous.ts";
import type { Attachment, ReceiverAddress } from "./attachment.ts";

export interface ReceiversOptions {
  /** Of the one receiver that there is. Without it, all of the same name on this machine. */
  readonly url: string | undefined;
  readonly token: string | undefined;
  readonly name: string | undefined;
}

/** Where the system cannot tell of new notes, they are looked for. */
const LOOK_EVERY_MS = 250;
/** As many contexts that are over are remembered. */
const MAX_OVER = 1_000;
const FIRST_RETRY_MS = 20;
const LONGEST_RETRY_MS = 1_000;
/** Trying again changes nothing about these. */
const FINAL: readonly ErrorCode[] = ["XW_NO_HANDLER", "XW_REFUSED", "XW_FOREIGN", "XW_VERSION"];

/** A receiver that is met, and the connection to it once there is one. */
interface Known {
  readonly address: ReceiverAddress;
  /** How often it was tried before in vain. */
  readonly attempt: number;
  attachment: Attachment | undefined;
}

export class Receivers {
  #options: ReceiversOptions = { url: undefined, token: undefined, name: undefined };
  #isStarted = false;
  #id: string = newId();
  /** By the id of the receiver. */
  #known = new Map<string, Known>();
  /** Those that are attached, in the order in which they are asked: the youngest first. */
  #attached: readonly Attachment[] = [];
  #rendezvous: Rendezvous | undefined;
  #settling = 0;
  /** Contexts that have ended, or whose owner is gone or never came. */
  #over = new Set<string>();
  #changes = new Changes();
  #undo: Undo[] = [];
  #isClosed = false;

  /** Begins to attach to those who are there already, and looks out for others. Only the first call counts. */
  start(options: ReceiversOptions): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.#options = options;
    const { url, token } = options;
    if (url === undefined) this.#meet();
    else this.#attachTo({ id: url, url, token });
  }

  get isStarted(): boolean {
    return this.#isStarted;
  }

  /** Whether there are some of whom it is not known yet what they want. */
  get isSettling(): boolean {
    return this.#settling > 0;
  }

  /** HOT: benchmarks/cpri. Asked for every request of the application. */
  mayWant(method: string, url: string, contextId: string | undefined): boolean {
    for (const { wishes } of this.#attached) {
      if (wishes.mayWant(method, url, contextId)) return true;
    }
    return false;
  }

  /** Whom to ask, in this order: the owner of the context, then the youngest first. */
  inOrder(method: string, url: string, contextId: string | undefined): readonly Attachment[] {
    const willing = this.#attached.filter(({ wishes }) => wishes.mayWant(method, url, contextId));
    const owner = contextId === undefined ? undefined : this.ownerOf(contextId);
    if (owner === undefined || willing[0] === owner || !willing.includes(owner)) return willing;
    return [owner, ...willing.filter((one) => one !== owner)];
  }

  ownerOf(contextId: string): Attachment | undefined {
    return this.#attached.find(({ wishes }) => wishes.owns(contextId));
  }

  /** The one whose matter it is what becomes of a request that nobody wants. */
  inCharge(contextId: string | undefined): Attachment | undefined {
    return (contextId === undefined ? undefined : this.ownerOf(contextId)) ?? this.#attached[0];
  }

  /** It, and who would be next. */
  byCharge(contextId: string | undefined): readonly Attachment[] {
    const first = this.inCharge(contextId);
    return first === undefined ? [] : [first, ...this.#attached.filter((one) => one !== first)];
  }

  /** Whether somebody may still come who has handlers for this context. */
  isAwaited(contextId: string): boolean {
    return !this.#over.has(contextId) && this.ownerOf(contextId) === undefined;
  }

  /** Nobody waits for the owner of this context any more, unless it comes by itself. */
  giveUp(contextId: string): void {
    this.#over.add(contextId);
    const [oldest] = this.#over;
    if (this.#over.size > MAX_OVER && oldest !== undefined) this.#over.delete(oldest);
  }

  /** Resolves when `isDone` holds, looked at after each change; or when the time is up. */
  async until(isDone: () => boolean, waitMs: number): Promise<void> {
    await this.#changes.until(() => this.#isClosed || isDone(), waitMs);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const undo of this.#undo.splice(0)) undo();
    const known = [...this.#known.values()];
    this.#known.clear();
    this.#changed();
    await Promise.all(known.map(async ({ attachment }) => attachment?.close()));
  }

  /** The own note comes first: whoever does not see it then is seen. */
  #meet(): void {
    const rendezvous = new Rendezvous(this.#options.name);
    this.#rendezvous = rendezvous;
    const look = (): void => this.#look(rendezvous);
    this.#undo.push(
      rendezvous.announce("sender", { id: this.#id, pid: process.pid, isThread: !isMainThread }),
    );
    this.#undo.push(watchOrLook(rendezvous, look));
    look();
  }

  #look(rendezvous: Rendezvous): void {
    const notes = rendezvous.receivers();
    for (const note of notes) if (!this.#known.has(note.id)) this.#attachTo(note);
    for (const known of this.#known.values()) {
      // It may end its last answers before it goes: then its connection tells.
      const isThere = notes.some(({ id }) => id === known.address.id);
      if (!isThere && known.attachment?.isAttached !== true) this.#drop(known);
    }
  }

  /** Only those that are met for the first time are waited for. */
  #attachTo(address: ReceiverAddress, attempt = 0): void {
    const known: Known = { address, attempt, attachment: undefined };
    this.#known.set(address.id, known);
    if (attempt === 0) this.#settling++;
    this.#attach(known)
      .catch((error: unknown) => this.#failed(known, error))
      .finally(() => {
        if (attempt === 0) this.#settling--;
        this.#changed();
      });
  }

  async #attach(known: Known): Promise<void> {
    // What it takes to talk to a receiver is loaded when there is one: most preloaded processes never meet any.
    const { Attachment: Link } = await import("./attachment.ts");
    if (this.#known.get(known.address.id) !== known) return;
    known.attachment = new Link(known.address, {
      senderId: this.#id,
      onChange: () => this.#changed(),
      onLost: () => this.#lost(known),
    });
    await known.attachment.attach();
  }

  #lost(known: Known): void {
    for (const id of known.attachment?.wishes.contexts() ?? []) this.giveUp(id);
    this.#tryAgain(known, 1);
  }

  #failed(known: Known, error: unknown): void {
    const { address, attempt } = known;
    if (this.#isClosed || this.#known.get(address.id) !== known) return;
    if (!isFinal(error)) return this.#tryAgain(known, attempt + 1);
    this.#drop(known);
    if (address.url !== this.#options.url) return;
    // The variable says where some server of ours is, such as a runner's: it is not about receivers.
    if (isCrosswireError(error, "XW_NO_HANDLER")) this.#meet();
    else warn(error, `attaching to the receiver at ${address.url}`);
  }

  #tryAgain(known: Known, attempt: number): void {
    known.attachment?.close().catch(() => {});
    this.#changed();
    const delayMs = Math.min(FIRST_RETRY_MS * 2 ** (attempt - 1), LONGEST_RETRY_MS);
    backgroundClock.setTimer(() => {
      if (this.#known.get(known.address.id) !== known) return;
      if (this.#isExpected(known.address)) this.#attachTo(known.address, attempt);
      else this.#drop(known);
    }, delayMs);
  }

  /** As long as its note is there; the one that the environment names may come at any time. */
  #isExpected({ id, url }: ReceiverAddress): boolean {
    if (this.#isClosed) return false;
    return (
      url === this.#options.url ||
      this.#rendezvous?.receivers().some((note) => note.id === id) === true
    );
  }

  #drop(known: Known): void {
    this.#known.delete(known.address.id);
    known.attachment?.close().catch(() => {});
  }

  #changed(): void {
    const all = [...this.#known.values()].flatMap(({ attachment }) => attachment ?? []);
    for (const { wishes } of all) for (const id of wishes.takeEnded()) this.giveUp(id);
    this.#attached = all
      .filter(({ isAttached }) => isAttached)
      .sort((a, b) => b.startedAt - a.startedAt || (a.id < b.id ? 1 : -1));
    this.#changes.happened();
  }
}

function watchOrLook(rendezvous: Rendezvous, look: () => void): Undo {
  try {
    return rendezvous.onReceivers(look);
  } catch {
    const timer = setInterval(look, LOOK_EVERY_MS).unref();
    return () => clearInterval(timer);
  }
}

function isFinal(error: unknown): boolean {
  return isCrosswireError(error) && FINAL.includes(error.code);
}
