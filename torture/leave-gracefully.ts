// The leader is asked to end (SIGTERM) while others look services up all the time.

import type { Member } from "crosswire/discovery";
import { Crowd } from "./crowd.ts";
import { type Figure, ms, percentile } from "./figures.ts";
import { observe } from "./observer.ts";

export interface LeaveOptions {
  readonly port: number;
  readonly leaves: number;
  /** Between two leaves. */
  readonly pauseMs: number;
  readonly progress?: (text: string) => void;
}

const LOOKUPS_PER_SECOND = 1_000;
const TICK_MS = 5;
const PROCESSES = 4;

export async function leaveGracefully(options: LeaveOptions): Promise<Figure[]> {
  const { port, leaves, pauseMs, progress = () => {} } = options;
  const crowd = new Crowd(port, "torture");
  try {
    const spares = Array.from({ length: PROCESSES + leaves }, async () => crowd.start());
    for (const spare of spares.slice(0, PROCESSES)) await crowd.join(await spare);
    const observer = await observe(port, crowd.name);
    try {
      const load = new Load(observer, () => crowd.services().at(-1) ?? "");
      await load.run(pauseMs);
      for (let leave = 0; leave < leaves; leave++) {
        const { leader } = crowd;
        // The services that are looked up are not those of the one that leaves.
        if (leader !== undefined)
          await Promise.all([crowd.end(leader, "SIGTERM"), load.run(pauseMs)]);
        await crowd.join(await (spares[PROCESSES + leave] ?? crowd.start()));
        progress(
          `leave ${leave + 1} of ${leaves}: ${load.count} lookups, ${load.failures.length} failed`,
        );
      }
      return figuresOf(load, crowd, options);
    } finally {
      await observer.close();
    }
  } finally {
    await crowd.close();
  }
}

class Load {
  readonly failures: string[] = [];
  readonly times: number[] = [];
  count = 0;
  #member: Member;
  #service: () => string;

  constructor(member: Member, service: () => string) {
    this.#member = member;
    this.#service = service;
  }

  /** Open loop: what is slow does not slow down what comes after it. */
  async run(forMs: number): Promise<void> {
    const startedAt = performance.now();
    const before = this.count;
    const service = this.#service();
    const pending: Promise<void>[] = [];
    for (let now = startedAt; now < startedAt + forMs; now = performance.now()) {
      const due = ((now - startedAt) / 1_000) * LOOKUPS_PER_SECOND;
      while (this.count - before < due) pending.push(this.#lookUp(service));
      await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    }
    await Promise.all(pending);
  }

  async #lookUp(service: string): Promise<void> {
    this.count++;
    const startedAt = performance.now();
    try {
      const found = await this.#member.discoverApi(service);
      if (!found.success) this.failures.push(found.error);
    } catch (error) {
      this.failures.push(String(error));
    }
    this.times.push(performance.now() - startedAt);
  }
}

function figuresOf(
  { count, failures, times }: Load,
  crowd: Crowd,
  options: LeaveOptions,
): Figure[] {
  const slowest = `p99 ${ms(percentile(times, 0.99))}, slowest ${ms(Math.max(...times))}`;
  return [
    {
      property: `graceful leave under ${LOOKUPS_PER_SECOND} lookups/s`,
      how: `${options.leaves} x SIGTERM of the leader`,
      goal: "0 failed lookups",
      measured: `${failures.length} of ${count} failed (${slowest}) ${failures[0] ?? ""}`.trim(),
      kind: "promise",
      isMet: failures.length === 0 && count > 0 && crowd.terms.length > options.leaves,
    },
  ];
}
