// A thousand clients of one peer in one process, for the `idle` and `broadcast` rows.

import { smallPayload, type SmallPayload } from "./payloads.ts";
import type { PeerClient } from "./peer.ts";
import { CROWD } from "./rows.ts";

// Below the backlog of a listening socket, so that no connection waits for a retry.
const CONNECTING_AT_ONCE = 50;

const FIRST_TICK = 1_000_000;

export class Crowd {
  #captain: PeerClient;
  #connect: () => Promise<PeerClient>;
  #members: PeerClient[] = [];
  #nextTick = FIRST_TICK;
  #arrivals = new Map<number, Arrival>();
  #fault: Error | undefined;
  #abort: (reason: Error) => void = () => {};

  /** `captain` gives the orders; it is not counted among the members. */
  constructor(captain: PeerClient, connect: () => Promise<PeerClient>) {
    this.#captain = captain;
    this.#connect = connect;
  }

  /** Connects the members that are still missing. Each has made one call when this resolves. */
  async gather(): Promise<void> {
    while (this.#members.length < CROWD) {
      const lanes = Array.from({ length: CONNECTING_AT_ONCE }, () => this.#addMember());
      await Promise.all(lanes);
    }
  }

  /** Rejects when a tick came twice after the last broadcast had been counted. */
  async leave(): Promise<void> {
    await Promise.all(this.#members.splice(0).map((member) => member.close()));
    if (this.#fault !== undefined) throw this.#fault;
  }

  /** Heap that the server holds for each member, by difference. */
  async idleKilobytes(): Promise<number> {
    await this.leave();
    const empty = await this.#captain.control({ kind: "heap" });
    await this.gather();
    const full = await this.#captain.control({ kind: "heap" });
    await this.leave();
    return ((full.heapBytes ?? 0) - (empty.heapBytes ?? 0)) / CROWD / 1024;
  }

  /** Resolves with the number of deliveries; rejects when a member misses or repeats one. */
  async broadcastFor(seconds: number, inFlight: number): Promise<number> {
    if (this.#fault !== undefined) throw this.#fault;
    const aborted = new Promise<never>((_, reject) => {
      this.#abort = reject;
    });
    const end = performance.now() + seconds * 1000;
    const lanes = Array.from({ length: inFlight }, () => this.#broadcastUntil(end));
    const broadcasts = await Promise.race([Promise.all(lanes), aborted]);
    return broadcasts.reduce((sum, count) => sum + count, 0) * CROWD;
  }

  async #broadcastUntil(end: number): Promise<number> {
    let count = 0;
    while (performance.now() < end) {
      const tick = this.#nextTick++;
      const arrived = new Promise<void>((resolve) => {
        this.#arrivals.set(tick, { missing: CROWD, resolve });
      });
      await this.#captain.control({ kind: "broadcast", payload: smallPayload(tick) });
      await arrived;
      count += 1;
    }
    return count;
  }

  async #addMember(): Promise<void> {
    const member = await this.#connect();
    let expected = this.#nextTick;
    member.onTick?.((payload) => {
      const { id } = payload as SmallPayload;
      if (id !== expected) this.#fail(`Tick ${expected} was due, ${id} arrived.`);
      expected = id + 1;
      this.#countArrival(id);
    });
    await member.echo(smallPayload());
    this.#members.push(member);
  }

  #fail(text: string): void {
    this.#fault ??= new Error(text);
    this.#abort(this.#fault);
  }

  #countArrival(tick: number): void {
    const arrival = this.#arrivals.get(tick);
    if (arrival === undefined || --arrival.missing > 0) return;
    this.#arrivals.delete(tick);
    arrival.resolve();
  }
}

interface Arrival {
  missing: number;
  resolve: () => void;
}
