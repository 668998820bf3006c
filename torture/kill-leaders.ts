// The leader is killed, again and again: never two at a time, and nothing that was registered is lost.

import { setTimeout as sleep } from "node:timers/promises";
import { Crowd, type MemberProcess } from "./crowd.ts";
import { type Figure, ms, percentile } from "./figures.ts";
import { type Observer, observe } from "./observer.ts";

export interface KillOptions {
  readonly port: number;
  readonly processes: number;
  readonly kills: number;
  /** Whether each kill waits until no process is starting and the successor has rehearsed: for the sake of the times. */
  readonly isCalm?: boolean;
  readonly progress?: (text: string) => void;
}

/** Started ahead, so that the next kill need not wait for a process to start. */
const SPARES = 3;
const SETTLE_MS = 3_000;
const CALM_MS = 1_000;

export async function killLeaders(options: KillOptions): Promise<Figure[]> {
  const { port, processes, kills, isCalm = false, progress = () => {} } = options;
  const crowd = new Crowd(port, "torture");
  try {
    await gather(crowd, processes);
    const observer = await observe(port, crowd.name);
    try {
      const results = [];
      const spares = Array.from({ length: SPARES }, async () => crowd.start());
      for (let kill = 1; kill <= kills; kill++) {
        const failover = await killLeader(crowd, observer);
        const calm = isCalm ? sleep(CALM_MS) : undefined;
        results.push(failover);
        progress(`kill ${kill} of ${kills}: ${ms(failover.servedMs)}`);
        const spare = spares.shift();
        if (spare !== undefined) await crowd.join(await spare);
        spares.push(crowd.start());
        if (isCalm) await Promise.all([...spares, calm]);
      }
      await Promise.all(spares);
      return figuresOf(crowd, results, options);
    } finally {
      await observer.close();
    }
  } finally {
    await crowd.close();
  }
}

async function gather(crowd: Crowd, processes: number): Promise<void> {
  const started = Array.from({ length: processes }, async () => crowd.start());
  await Promise.all(started.map(async (member) => crowd.join(await member)));
}

interface Failover {
  /** From the kill to the first lookup that the next leader answered. */
  readonly servedMs: number;
  readonly missing: readonly string[];
  readonly ghosts: readonly string[];
}

async function killLeader(crowd: Crowd, observer: Observer): Promise<Failover> {
  const leader = crowd.leader ?? (await nextLeader(crowd));
  const survivors = crowd.services().filter((service) => service !== leader.service);
  const before = await observer.epoch();
  const served = observer.firstAnswer(survivors, before);
  const killedAt = await crowd.end(leader, "SIGKILL");
  const servedMs = Number((await served) - killedAt) / 1e6;
  const alive = crowd.services();
  const registered = await settled(observer, alive);
  return {
    servedMs,
    missing: alive.filter((service) => !registered.includes(service)),
    ghosts: registered.filter((service) => !alive.includes(service)),
  };
}

/** The report of a new leader may be a moment behind its first answer. */
async function nextLeader(crowd: Crowd): Promise<MemberProcess> {
  await Promise.race(crowd.joined.map(async (member) => member.next("standing")));
  return crowd.leader ?? nextLeader(crowd);
}

/** What is registered once it is what it has to be, or when time is up. */
async function settled(observer: Observer, expected: readonly string[]): Promise<string[]> {
  const dueAt = performance.now() + SETTLE_MS;
  for (;;) {
    const registered = await observer.list();
    if (registered.join() === expected.join() || performance.now() > dueAt) return registered;
    await sleep(5);
  }
}

function figuresOf(
  crowd: Crowd,
  failovers: readonly Failover[],
  { processes, kills }: KillOptions,
): Figure[] {
  const how = `${processes} processes, ${kills} x kill -9 of the leader`;
  const overlaps = crowd.overlaps();
  const times = failovers.map(({ servedMs }) => servedMs);
  const [p50, p99] = [percentile(times, 0.5), percentile(times, 0.99)];
  const whole = failovers.filter(({ missing, ghosts }) => missing.length + ghosts.length === 0);
  return [
    {
      property: "at most one leader per port",
      how,
      goal: "0 overlaps",
      measured:
        `${overlaps.length} overlaps in ${crowd.terms.length} terms ${overlaps.join(", ")}`.trim(),
      kind: "promise",
      isMet: overlaps.length === 0 && crowd.terms.length > kills,
    },
    {
      property: "failover",
      how: "kill to first lookup served by the new leader",
      goal: "p50 <= 50 ms, p99 <= 500 ms",
      measured: `p50 ${ms(p50)}, p99 ${ms(p99)}, longest ${ms(Math.max(...times))}`,
      kind: "speed",
      isMet: p50 <= 50 && p99 <= 500,
    },
    {
      property: "nothing lost",
      how: "after each failover, services registered = services alive",
      goal: `${kills}/${kills}`,
      measured: `${whole.length}/${failovers.length}`,
      kind: "promise",
      isMet: whole.length === kills,
    },
  ];
}
