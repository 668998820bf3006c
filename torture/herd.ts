// Many processes join at the same moment.

import { Crowd } from "./crowd.ts";
import { type Figure, ms } from "./figures.ts";

export interface HerdOptions {
  readonly port: number;
  readonly processes: number;
}

export async function startHerd({ port, processes }: HerdOptions): Promise<Figure[]> {
  const crowd = new Crowd(port, "torture");
  try {
    // All are loaded and wait: what is measured is the election, not how fast this machine starts Node.
    const herd = await Promise.all(Array.from({ length: processes }, async () => crowd.start()));
    const startedAt = performance.now();
    await Promise.all(herd.map(async (member) => crowd.join(member)));
    const joinedMs = performance.now() - startedAt;
    const leaders = crowd.joined.filter(({ isLeader }) => isLeader).length;
    const followers = crowd.joined.length - leaders;
    return [
      {
        property: "herd",
        how: `${processes} processes join at once`,
        goal: `1 leader, ${processes - 1} followers`,
        measured: `${leaders} leader, ${followers} followers, ${crowd.overlaps().length} overlaps`,
        kind: "promise",
        isMet: leaders === 1 && followers === processes - 1 && crowd.overlaps().length === 0,
      },
      {
        property: "herd, time",
        how: "until the last has joined and registered",
        goal: "<= 3 s",
        measured: ms(joinedMs),
        kind: "speed",
        isMet: joinedMs <= 3_000,
      },
    ];
  } finally {
    await crowd.close();
  }
}
