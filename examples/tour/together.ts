// Steps about processes that find each other: nobody is told an address, and the one that leads is killed.

import { joinDiscovery, type Standing } from "crosswire/discovery";
import { CrewMember } from "./crew.ts";
import { say } from "./narrator.ts";

export async function leaderIsKilled(): Promise<void> {
  // Two tours may run at once, and are not to meet.
  const name = `tour-${process.pid}`;
  const other = new CrewMember("the first process", "member.ts", [name]);
  try {
    await other.firstLine();
    say(
      `${other.name} (pid ${other.pid}) ${other.lines.join()} the discovery ${JSON.stringify(name)}.`,
    );
    const member = await joinDiscovery({ name });
    await member.register([{ api: "orders", baseUrl: "http://127.0.0.1:4002" }]);
    const prices = await member.discoverApi("prices");
    say(`This process follows, and finds "prices" at ${prices.success ? prices.baseUrl : "?"}.`);
    const leading = new Promise<Standing>((resolve) => {
      member.onChange((standing) => standing.isLeader && resolve(standing));
    });
    const killedAt = performance.now();
    other.kill();
    const { epoch } = await leading;
    const ms = Math.round(performance.now() - killedAt);
    say(`${other.name} is killed. After ${ms} ms this process leads, in epoch ${epoch}.`);
    const services = (await member.list()).map(({ api }) => api);
    say(`What it knows now: ${services.join()}. What the other one served is gone with it.`);
    await member.close();
  } finally {
    other.kill();
    await other.ended;
  }
}
