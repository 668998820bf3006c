// A peer's clients as a process of their own: obeys the runner, one command at a time.

import { Crowd } from "./crowd.ts";
import { passGate } from "./gate.ts";
import type { PeerClient } from "./peer.ts";
import { findPeer } from "./peer-list.ts";
import { findRow } from "./rows.ts";
import { measure, type Segment } from "./segment.ts";

export type Command =
  | { kind: "connect"; address: string }
  | { kind: "gate" }
  | { kind: "measure"; row: string; seconds: number }
  | { kind: "rest" };

/** `segment` is missing after a row that the peer has nothing for. */
export type Reply = { segment?: Segment } | { error: string };

const entry = findPeer(process.argv[2]);
const peer = await entry.load();
let client: PeerClient | undefined;
let crowd: Crowd | undefined;

process.on("disconnect", () => process.exit());
process.on("message", (command: Command) => {
  obey(command).then(reply, (error: unknown) => reply({ error: String(error) }));
});

async function obey(command: Command): Promise<Reply> {
  if (command.kind === "connect") await connect(command.address);
  if (client === undefined) throw new Error("The client was given a command before `connect`.");
  if (command.kind === "gate") await passGate(client);
  if (command.kind === "rest") await crowd?.leave();
  if (command.kind !== "measure") return {};
  const segment = await measure({ client, crowd }, findRow(command.row), command.seconds);
  return segment === undefined ? {} : { segment };
}

async function connect(address: string): Promise<void> {
  client = await peer.connect(address);
  client.onTick?.(() => {});
  if (!entry.forksServer) crowd = new Crowd(client, () => peer.connect(address));
}

function reply(message: Reply): void {
  process.send?.(message);
}
