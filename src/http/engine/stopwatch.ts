// How long something has not moved, measured by whoever looks now and then instead of by whoever moves.
// HOT: a look at the clock for each chunk would cost more than all the other bookkeeping, benchmarks/proxy.

export class Stopwatch {
  #hasMoved = true;
  #since = 0;
  #startedAt: number | undefined;

  moved(): void {
    this.#hasMoved = true;
  }

  /** Milliseconds since the last movement, as far as earlier looks can tell: a little less than they really are. */
  stillMs(now: number): number {
    if (this.#hasMoved) {
      this.#hasMoved = false;
      this.#since = now;
    }
    return now - this.#since;
  }

  /** Milliseconds since the first look. */
  totalMs(now: number): number {
    this.#startedAt ??= now;
    return now - this.#startedAt;
  }
}
