// The leader is asked to end (SIGTERM) while others look services up all the time.

import { Crowd } from "./crowd.ts";
import { type Figure, ms, percentile } from "./figures.ts";
import { type LoadResult, observe } from "./observer.ts";

export interface LeaveOptions {
  readonly port: number;
  readonly leaves: number;
  /** Between two leaves. */
  readonly pauseMs: number;
  readonly progress?: (text: string) => void;
}

const LOOKUPS_PER_SECOND = 1_000;
const PROCESSES = 4;

export async function leaveGracefully(options: LeaveOptions): Promise<Figure[]> {
  const { port, leaves, pauseMs, progress = () => {} } = options;
  const crowd = new Crowd(port, "torture");
  try {
    const spares = Array.from({ length: PROCESSES + leaves }, async () => crowd.start());
    for (const spare of spares.slice(0, PROCESSES)) await crowd.join(await spare);
    const observer = await observe(port, crowd.name);
    try {
      const times: number[] = [];
      const failures: string[] = [];
      for (let leave = 0; leave < leaves; leave++) {
        const { leader } = crowd;
        // The service that is looked up is not one of whoever leaves.
        const service = crowd.services().find((name) => name !== leader?.service) ?? "";
        const load = observer.load(service, LOOKUPS_PER_SECOND, pauseMs);
        if (leader !== undefined) await crowd.end(leader, "SIGTERM");
        const seen = await load;
        times.push(...seen.times);
        failures.push(...seen.failures);
        await crowd.join(await (spares[PROCESSES + leave] ?? crowd.start()));
        progress(
          `leave ${leave + 1} of ${leaves}: ${times.length} lookups, ${failures.length} failed`,
        );
      }
      return figuresOf({ times, failures }, crowd, options);
    } finally {
      await observer.close();
    }
  } finally {
    await crowd.close();
  }
}

function figuresOf({ failures, times }: LoadResult, crowd: Crowd, options: LeaveOptions): Figure[] {
  const slowest = `p99 ${ms(percentile(times, 0.99))}, slowest ${ms(Math.max(...times))}`;
  return [
    {
      property: `graceful leave under ${LOOKUPS_PER_SECOND} lookups/s`,
      how: `${options.leaves} x SIGTERM of the leader`,
      goal: "0 failed lookups",
      measured:
        `${failures.length} of ${times.length} failed (${slowest}) ${failures[0] ?? ""}`.trim(),
      kind: "promise",
      isMet: failures.length === 0 && times.length > 0 && crowd.terms.length > options.leaves,
    },
  ];
}
