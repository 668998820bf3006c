// The leader is stopped, and continued: it stays the leader, others are told what is wrong, and nothing is lost.

import { Crowd } from "./crowd.ts";
import { type Figure, ms } from "./figures.ts";
import { type Observer, observe } from "./observer.ts";

export interface StopOptions {
  readonly port: number;
  readonly stoppedMs: number;
  readonly progress?: (text: string) => void;
}

/** heartbeatQuietMs + heartbeatReplyMs of a member, and what a timer may be late. */
const BOUND_MS = 3_300;
const PROCESSES = 4;

export async function stopLeader({
  port,
  stoppedMs,
  progress = () => {},
}: StopOptions): Promise<Figure[]> {
  const crowd = new Crowd(port, "torture");
  try {
    for (let i = 0; i < PROCESSES; i++) await crowd.join(await crowd.start());
    const observer = await observe(port, crowd.name);
    const { leader } = crowd;
    if (leader === undefined) throw new Error("Nobody leads.");
    try {
      const [service = ""] = crowd.services().filter((name) => name !== leader.service);
      const stoppedAt = performance.now();
      leader.child.kill("SIGSTOP");
      progress(`the leader ${leader.pid} is stopped`);
      const code = await observer.lookUp(service);
      const noticedMs = performance.now() - stoppedAt;
      const leftMs = Math.max(0, stoppedMs - noticedMs);
      await new Promise((resolve) => setTimeout(resolve, leftMs));
      const continuedAt = performance.now();
      leader.child.kill("SIGCONT");
      await firstSuccess(observer, service);
      const recoveredMs = performance.now() - continuedAt;
      const all = await allRegistered(observer, crowd.services());
      return [
        {
          property: "stopped leader",
          how: `SIGSTOP for ${stoppedMs} ms, a lookup meanwhile`,
          goal: `XW_UNRESPONSIVE within ${BOUND_MS} ms`,
          measured: `${code} after ${ms(noticedMs)}`,
          kind: "promise",
          isMet: code === "XW_UNRESPONSIVE" && noticedMs <= BOUND_MS,
        },
        {
          property: "stopped leader, continued",
          how: "SIGCONT to the first lookup that succeeds",
          goal: "<= 1 s",
          measured: ms(recoveredMs),
          kind: "speed",
          isMet: recoveredMs <= 1_000,
        },
        {
          property: "stopped leader, no second one",
          how: "terms reported by all processes; services afterwards",
          goal: "1 leader, all services",
          measured: `${crowd.terms.length} leader, ${all ? "all services" : "services are missing"}`,
          kind: "promise",
          isMet: crowd.terms.length === 1 && crowd.leader === leader && all,
        },
      ];
    } finally {
      leader.child.kill("SIGCONT");
      await observer.close();
    }
  } finally {
    await crowd.close();
  }
}

async function firstSuccess(observer: Observer, service: string): Promise<void> {
  for (;;) {
    if ((await observer.lookUp(service)) === "success") return;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

async function allRegistered(observer: Observer, services: readonly string[]): Promise<boolean> {
  const dueAt = performance.now() + 2_000;
  for (;;) {
    const registered = await observer.list();
    if (registered.join() === services.join()) return true;
    if (performance.now() > dueAt) return false;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
