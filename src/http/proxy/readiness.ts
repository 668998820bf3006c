// Waits for an application that is starting: one knock at a time at its port, for all requests that wait for it.

import type { Limits } from "../../limits.ts";
import { nodeClock } from "../../node/node-clock.ts";
import { dial, readyEvent } from "../engine/dial.ts";
import type { ProxyTarget } from "../engine/target.ts";

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 500;

/** Whether something accepts connections there right now. */
function isReachable(target: ProxyTarget, limitMs: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(false);
    const socket = dial(target, {});
    const settle = (isThere: boolean): void => {
      nodeClock.clearTimer(timer);
      signal.removeEventListener("abort", giveUp);
      socket.destroy();
      resolve(isThere);
    };
    const giveUp = (): void => settle(false);
    const timer = nodeClock.setTimer(giveUp, limitMs);
    signal.addEventListener("abort", giveUp);
    socket.once(readyEvent(target), () => settle(true));
    socket.once("error", giveUp);
  });
}

/** The waiting for one application. */
export class Readiness {
  #target: () => ProxyTarget;
  #limits: Limits;
  #waiting = new Set<(isThere: boolean) => void>();
  /** Since when nothing answers there; undefined while it does, or when nobody asked. */
  #downSince: number | undefined;
  #isKnocking = false;
  #end = new AbortController();

  constructor(target: () => ProxyTarget, limits: Limits) {
    this.#target = target;
    this.#limits = limits;
  }

  /** It answered somebody. */
  noteUp(): void {
    this.#downSince = undefined;
  }

  async check(): Promise<boolean> {
    const isThere = await isReachable(
      this.#target(),
      this.#limits.proxyConnectTimeoutMs,
      this.#end.signal,
    );
    if (isThere) this.noteUp();
    return isThere;
  }

  /**
   * Resolves to true once it answers, and to false when it does not within limits.proxyHoldMs since it was first seen
   * down: what is down for longer is not starting, and nobody is kept waiting for it.
   */
  wait(onGone: (giveUp: () => void) => void): Promise<boolean> {
    const now = nodeClock.now();
    this.#downSince ??= now;
    const leftMs = this.#downSince + this.#limits.proxyHoldMs - now;
    if (leftMs <= 0 || this.#end.signal.aborted) return Promise.resolve(false);
    return new Promise((resolve) => {
      const settle = (isThere: boolean): void => {
        nodeClock.clearTimer(timer);
        this.#waiting.delete(settle);
        resolve(isThere);
      };
      const timer = nodeClock.setTimer(() => settle(false), leftMs);
      this.#waiting.add(settle);
      onGone(() => settle(false));
      if (!this.#isKnocking) void this.#knock();
    });
  }

  close(): void {
    this.#end.abort();
    for (const settle of this.#waiting) settle(false);
  }

  async #knock(): Promise<void> {
    this.#isKnocking = true;
    let pauseMs = FIRST_PAUSE_MS;
    while (this.#waiting.size > 0) {
      if (await this.check()) {
        for (const settle of this.#waiting) settle(true);
        break;
      }
      await pause(pauseMs, this.#end.signal);
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    }
    this.#isKnocking = false;
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = (): void => {
      nodeClock.clearTimer(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = nodeClock.setTimer(end, ms);
    signal.addEventListener("abort", end);
  });
}
