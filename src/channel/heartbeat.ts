// Notices a peer that is connected but no longer there. Any frame counts as a sign of life.

import type { Timer } from "./clock.ts";
import { type Ending, silent } from "./closing.ts";
import type { Link } from "./link.ts";

export interface HeartbeatOwner {
  /** Asks for a sign of life. */
  ping(): void;
  abandon(ending: Ending): void;
}

export class Heartbeat {
  #link: Pick<Link, "clock" | "limits" | "isPaused" | "peer">;
  #owner: HeartbeatOwner;
  #timer: Timer;
  #heard = true;
  #isAsking = false;
  #dueAt = 0;

  constructor(link: Pick<Link, "clock" | "limits" | "isPaused" | "peer">, owner: HeartbeatOwner) {
    this.#link = link;
    this.#owner = owner;
    this.#wait(link.limits.heartbeatQuietMs);
  }

  /** HOT: called for every frame, so it only leaves a mark. */
  heard(): void {
    this.#heard = true;
  }

  stop(): void {
    this.#link.clock.clearTimer(this.#timer);
  }

  #wait(delayMs: number): void {
    const { clock } = this.#link;
    if (delayMs === Infinity) return;
    this.#dueAt = clock.now() + delayMs;
    this.#timer = clock.setTimer(() => this.#look(), delayMs);
  }

  #look(): void {
    const { clock, limits } = this.#link;
    const { heartbeatQuietMs: quietMs, heartbeatReplyMs: replyMs } = limits;
    // A timer that fires late means that this process was stopped or busy: what arrived meanwhile
    // has not been read yet, so silence proves nothing.
    const wasStalled = clock.now() - this.#dueAt > replyMs / 2;
    if (this.#heard || wasStalled || this.#link.isPaused) {
      this.#heard = false;
      this.#isAsking = false;
      this.#wait(quietMs);
    } else if (this.#isAsking) {
      this.#owner.abandon(silent(this.#link.peer, quietMs + replyMs));
    } else {
      this.#isAsking = true;
      this.#owner.ping();
      this.#wait(replyMs);
    }
  }
}
