// A process of the tour that joins a discovery by its name alone, serves something, and is killed.

import { joinDiscovery } from "crosswire/discovery";

const [name] = process.argv.slice(2);
const member = await joinDiscovery({ name: name ?? "tour" });
await member.register([{ api: "prices", baseUrl: "http://127.0.0.1:4001", pathPrefix: "/prices" }]);
console.log(member.isLeader ? "leads" : "follows");
