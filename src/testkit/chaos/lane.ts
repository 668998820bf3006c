// One direction of one connection: what came from one end waits here, in order, until the faults let it
// reach the other. Knows nothing of the opposite direction.

import type { Socket } from "node:net";
import type { Timer } from "../../channel/clock.ts";
import { nodeClock } from "../../node/node-clock.ts";
import type { DirectionFaults } from "./faults.ts";
import { branch, type Random } from "./seeded-random.ts";

// Captured, like those of nodeClock: fake timers of a test do not stop the network.
const { setImmediate, clearImmediate } = globalThis;
const { now, setTimer, clearTimer } = nodeClock;

/** Above this a lane stops reading, and the sender feels it. What is on its way for a second or so fits in. */
const MAX_WAITING_BYTES: number = 1024 * 1024;
/** A narrow lane trickles, instead of being silent for long and then passing on all at once. */
const PIECES_PER_SECOND = 20;
/** So much of the time in which nothing could leave, or a timer was late, a narrow lane makes up for. */
const MAX_CREDIT_MS = 20;
const RESET_DELAY_MS = 10;

/** Bytes, or what became of the end they come from. That travels like its bytes, behind them. */
interface Arrival {
  what: Buffer | "end" | "reset";
  readonly atMs: number;
}

export interface LaneOptions {
  readonly faults: DirectionFaults;
  readonly random: Random;
  /** Both directions are over, by a fault of this one. */
  readonly onReset: () => void;
  /** So many bytes were passed on. */
  readonly onPassed: (bytes: number) => void;
}

export class Lane {
  #from: Socket;
  #to: Socket;
  #options: LaneOptions;
  #faults: DirectionFaults;
  // Each kind of choice has its own numbers, so that one fault does not change another.
  #slices: Random;
  #jitter: Random;
  #bits: Random;
  #waiting: Arrival[] = [];
  #waitingBytes = 0;
  /** When what waits first may leave, and how much of it; undefined until that is decided. */
  #next: { readonly dueMs: number; readonly bytes: number } | undefined;
  /** When the last piece had left a lane of this width. */
  #freeMs = 0;
  /** Until the next cut of the slices. The cuts do not depend on how the bytes came in. */
  #sliceRest = 0;
  /** Passed on since the faults were set. */
  #passed = 0;
  #wroteMs = -Infinity;
  #hasEnded = false;
  #timer: Timer;
  #resetTimer: Timer;
  #turn: NodeJS.Immediate | undefined;

  constructor(from: Socket, to: Socket, options: LaneOptions) {
    this.#from = from;
    this.#to = to;
    this.#options = options;
    this.#faults = options.faults;
    this.#slices = branch(options.random);
    this.#jitter = branch(options.random);
    this.#bits = branch(options.random);
    from.on("data", (bytes) => this.#take(bytes));
    from.on("end", () => this.end());
    from.on("error", () => this.#append("reset"));
    to.on("connect", () => this.#send());
    to.on("drain", () => this.#send());
    to.on("close", () => this.#stop());
    // Not at once: the marks of the faults may be reached already, and the other lane is not there yet.
    this.#turn = setImmediate(() => this.#send());
  }

  /** Holds at once, also for what waits. Bytes are counted from here. */
  setFaults(faults: DirectionFaults): void {
    this.#faults = faults;
    this.#passed = 0;
    this.#sliceRest = 0;
    this.#freeMs = 0;
    this.#next = undefined;
    this.#send();
  }

  /** The receiver hears that nothing more comes, after what waits. */
  end(): void {
    this.#append("end");
  }

  #take(bytes: Buffer): void {
    if (this.#hasEnded) return;
    this.#waitingBytes += bytes.length;
    this.#append(bytes);
    if (this.#waitingBytes > MAX_WAITING_BYTES) this.#from.pause();
  }

  #append(what: Arrival["what"]): void {
    if (this.#to.destroyed) return;
    this.#waiting.push({ what, atMs: now() });
    if (this.#timer === undefined && this.#turn === undefined) this.#send();
  }

  #send(): void {
    this.#cancel();
    for (;;) {
      this.#obeyMarks();
      if (this.#faults.blackhole === true) return this.#swallow();
      const [first] = this.#waiting;
      if (first === undefined || this.#isHeld()) return;
      this.#next ??= this.#decide(first);
      const waitMs = this.#next.dueMs - now();
      if (waitMs > 0) {
        this.#timer = setTimer(() => this.#send(), Math.ceil(waitMs));
        return;
      }
      this.#pass(first, this.#next.bytes);
      if (this.#faults.sliceBytes === undefined) continue;
      // One piece in a turn: the receiver has a chance to read each by itself.
      this.#turn = setImmediate(() => this.#send());
      return;
    }
  }

  #obeyMarks(): void {
    if (this.#hasEnded) return;
    const { resetAfterBytes = Infinity, endAfterBytes = Infinity } = this.#faults;
    if (this.#passed >= resetAfterBytes) {
      this.#stopCarrying();
      this.#resetSoon(this.#options.onReset);
    } else if (this.#passed >= endAfterBytes) this.#finish();
  }

  #isHeld(): boolean {
    return this.#faults.stall === true || this.#to.connecting || this.#to.writableNeedDrain;
  }

  #decide({ what, atMs }: Arrival): { dueMs: number; bytes: number } {
    const { latencyMs = 0, jitterMs = 0, bytesPerSecond = Infinity } = this.#faults;
    const bytes = typeof what === "string" ? 0 : this.#sizeOf(what);
    const arrivedMs = atMs + latencyMs + (jitterMs === 0 ? 0 : jitterMs * this.#jitter());
    const startMs = Math.max(arrivedMs, this.#freeMs, now() - MAX_CREDIT_MS);
    this.#freeMs = startMs + (1000 * bytes) / bytesPerSecond;
    return { dueMs: this.#freeMs, bytes };
  }

  /** Of the bytes that wait, how many leave as one piece. */
  #sizeOf({ length }: Buffer): number {
    const { sliceBytes, bytesPerSecond = Infinity } = this.#faults;
    if (sliceBytes === undefined) this.#sliceRest = Infinity;
    else if (this.#sliceRest === 0) this.#sliceRest = 1 + Math.floor(this.#slices() * sliceBytes);
    return Math.min(length, this.#sliceRest, Math.ceil(bytesPerSecond / PIECES_PER_SECOND));
  }

  #pass(arrival: Arrival, bytes: number): void {
    const { what } = arrival;
    this.#next = undefined;
    if (typeof what !== "string" && bytes < what.length) arrival.what = what.subarray(bytes);
    else this.#waiting.shift();
    if (what === "end") return this.#finish();
    if (what === "reset") return this.#resetSoon(() => reset(this.#to));
    this.#sliceRest -= bytes;
    this.#waitingBytes -= bytes;
    this.#write(what.subarray(0, bytes));
    if (this.#waitingBytes <= MAX_WAITING_BYTES) this.#from.resume();
  }

  #write(piece: Buffer): void {
    const { resetAfterBytes = Infinity, endAfterBytes = Infinity } = this.#faults;
    this.#flip(piece);
    const allowed = piece.subarray(0, Math.min(resetAfterBytes, endAfterBytes) - this.#passed);
    this.#to.write(allowed);
    this.#wroteMs = now();
    this.#passed += allowed.length;
    this.#options.onPassed(allowed.length);
  }

  #flip(piece: Buffer): void {
    const { flipAfterBytes = -1 } = this.#faults;
    const at = flipAfterBytes - this.#passed;
    const byte = piece[at];
    if (byte !== undefined) piece[at] = byte ^ (1 << Math.floor(this.#bits() * 8));
  }

  /** Ends are kept: they are told as soon as there is a way again. */
  #swallow(): void {
    this.#waiting = this.#waiting.filter(({ what }) => typeof what === "string");
    this.#waitingBytes = 0;
    this.#next = undefined;
    this.#from.resume();
  }

  #finish(): void {
    if (this.#hasEnded) return;
    this.#stopCarrying();
    this.#to.end();
  }

  /** What comes after this is read, so that the end of the sender is seen, but goes nowhere. */
  #stopCarrying(): void {
    this.#hasEnded = true;
    this.#swallow();
  }

  /** A receiver that finds bytes and a RST at one look takes the RST for a FIN (libuv). So it may read the bytes first. */
  #resetSoon(cut: () => void): void {
    const waitMs = this.#wroteMs + RESET_DELAY_MS - now();
    if (waitMs <= 0) cut();
    else this.#resetTimer ??= setTimer(cut, Math.ceil(waitMs));
  }

  #stop(): void {
    this.#cancel();
    clearTimer(this.#resetTimer);
    this.#stopCarrying();
    this.#waiting = [];
  }

  #cancel(): void {
    clearTimer(this.#timer);
    clearImmediate(this.#turn);
    this.#timer = undefined;
    this.#turn = undefined;
  }
}

/** Cuts `socket` with a RST where it can have one: Unix sockets and connections that are still being made cannot. */
export function reset(socket: Socket): void {
  if (socket.destroyed || socket.remoteAddress === undefined) socket.destroy();
  else socket.resetAndDestroy();
}
