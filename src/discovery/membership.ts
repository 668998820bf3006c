// From term to term: finds a seat, keeps it as long as it lasts, and asks whoever leads.

import { CrosswireError, isCrosswireError } from "../errors.ts";
import { Listeners } from "../lifetime.ts";
import { warn } from "../node/diagnostics.ts";
import { settlesWithin } from "../node/bounded-wait.ts";
import { nodeClock } from "../node/node-clock.ts";
import { type Candidate, findFirstSeat, findNextSeat } from "./campaign.ts";
import { rehearse } from "./rehearsal.ts";
import { isSlow } from "./rival.ts";
import type { Seat, Sitter } from "./seat.ts";
import { SeatHolder } from "./seat-holder.ts";

/** Where a member stands. */
export interface Standing {
  readonly isLeader: boolean;
  /** 0 while nobody leads. */
  readonly epoch: number;
  /** Of the leader; empty while nobody leads. */
  readonly url: string;
  /** The process that leads. */
  readonly leaderPid?: number;
  /** What keeps this member from having a leader. */
  readonly error?: CrosswireError;
}

/** After a change of leaders everybody is busy for a moment. */
const REHEARSE_AFTER_MS = 500;

export class Membership {
  readonly changed: Listeners<[Standing]> = new Listeners("an onChange listener", warn);
  /** Called with each new seat, and with undefined when it is lost. */
  onSeat: (seat: Seat | undefined) => void = () => {};
  #candidate: Candidate;
  #seats: SeatHolder;
  #closer = new AbortController();
  #closed: Promise<undefined>;
  #knownEpoch = 0;
  #stay: Promise<void> | undefined;
  #rehearsal: Promise<void> | undefined;

  constructor(
    candidate: Omit<Candidate, "signal" | "sitter" | "isAwaited">,
    sitter: () => Omit<Sitter, "knownEpoch">,
  ) {
    const { signal } = this.#closer;
    this.#candidate = {
      ...candidate,
      signal,
      isAwaited: () => this.#seats.isAwaited,
      sitter: () => ({ ...sitter(), knownEpoch: this.#knownEpoch }),
    };
    this.#seats = new SeatHolder(candidate.limits.maxPendingCalls);
    this.#closed = new Promise((resolve) => {
      signal.addEventListener("abort", () => resolve(undefined), { once: true });
    });
  }

  get seat(): Seat | undefined {
    return this.#seats.seat;
  }

  standing(): Standing {
    const { seat, trouble } = this.#seats;
    return {
      isLeader: seat?.leadership !== undefined,
      epoch: seat?.epoch ?? 0,
      url: seat?.leader.url ?? "",
      ...(seat === undefined ? {} : { leaderPid: seat.leader.pid }),
      ...(trouble === undefined ? {} : { error: trouble }),
    };
  }

  /** Resolves with the first seat taken; rejects with what is in the way. */
  async start(): Promise<void> {
    const seat = await findFirstSeat(this.#candidate);
    this.#take(seat);
    this.#stay = this.#stayFrom(seat);
  }

  /** Everything that a member asks may be asked twice, so it is asked again whenever the leader was lost over it. */
  async ask<T>(
    what: string,
    timeoutMs: number,
    run: (seat: Seat, leftMs: number) => Promise<T>,
  ): Promise<T> {
    const dueAt = nodeClock.now() + timeoutMs;
    for (;;) {
      // While it leaves there is still a seat, and asking it over and over would keep it from leaving.
      if (this.#closer.signal.aborted) throw closed();
      const seat = this.#seats.seat ?? (await this.#seats.whenSeated(what, dueAt));
      try {
        const leftMs = Math.max(1, dueAt - nodeClock.now());
        // The usual case keeps the very timeout it was given: the default one need not be sent along.
        return await run(seat, timeoutMs - leftMs < 1 ? timeoutMs : leftMs);
      } catch (error) {
        if (!isLoss(error)) throw error;
        await this.#lossOf(seat, dueAt);
      }
    }
  }

  async close(graceMs: number): Promise<void> {
    const { seat } = this;
    this.#closer.abort();
    this.#seats.fail(closed());
    if (seat !== undefined) {
      await seat.leave(graceMs);
      this.#seats.lose(seat);
    }
    await this.#stay;
    await this.#rehearsal;
  }

  async #stayFrom(first: Seat): Promise<void> {
    const { signal } = this.#closer;
    for (let seat = first; ;) {
      const loss = await Promise.race([seat.lost, this.#closed]);
      if (signal.aborted) return;
      this.#lose(seat, loss);
      if (seat.leadership !== undefined) await this.#candidate.stage.renew();
      try {
        seat = await findNextSeat(this.#candidate, seat.successor, (trouble) =>
          this.#fail(trouble),
        );
      } catch (error) {
        if (signal.aborted) return;
        throw error;
      }
      if (signal.aborted) return seat.leave(0);
      this.#take(seat);
    }
  }

  #take(seat: Seat): void {
    this.#knownEpoch = Math.max(this.#knownEpoch, seat.epoch);
    this.#seats.take(seat);
    void seat.named?.then(() => this.#rehearse(seat));
    this.onSeat(seat);
    this.changed.emit(this.standing());
  }

  /** Once: what is compiled stays so. */
  async #rehearse(seat: Seat): Promise<void> {
    const isOver = Promise.race([seat.lost, this.#closed]);
    if (await settlesWithin(isOver, REHEARSE_AFTER_MS)) return;
    this.#rehearsal ??= rehearse(this.#candidate.limits);
  }

  #lose(seat: Seat, loss: CrosswireError | undefined): void {
    this.#seats.lose(seat);
    // A leader that is gone will be replaced, and a slow one may be back in a moment; a stopped one is in the way.
    if (isCrosswireError(loss, "XW_UNRESPONSIVE") && !isSlow(loss)) this.#seats.fail(loss);
    this.onSeat(undefined);
    this.changed.emit(this.standing());
  }

  #fail(trouble: CrosswireError): void {
    if (this.#closer.signal.aborted) return;
    const isNew = this.#seats.trouble?.message !== trouble.message;
    this.#seats.fail(trouble);
    if (isNew) this.changed.emit(this.standing());
  }

  /** A call fails a moment before the connection is known to be lost. */
  async #lossOf(seat: Seat, dueAt: number): Promise<void> {
    const isOver = Promise.race([seat.lost, this.#closed]);
    const isKnown = await settlesWithin(isOver, dueAt - nodeClock.now());
    if (isKnown && !this.#closer.signal.aborted) this.#seats.lose(seat);
  }
}

function closed(): CrosswireError {
  return new CrosswireError("XW_CLOSED", "This member was closed.");
}

/** The leader was lost over it: whoever leads next may be asked the same. */
export function isLoss(error: unknown): boolean {
  return (
    isCrosswireError(error, "XW_CONNECTION_LOST") ||
    isCrosswireError(error, "XW_CLOSED") ||
    isCrosswireError(error, "XW_NOT_CONNECTED")
  );
}
