// Leader election: whoever gets the port leads, the others follow, and when the leader ends they try again.
// Run it: npx tsx examples/leader-election.ts

import { once, EventEmitter } from "node:events";
import { IPCClient, IPCServer } from "crosswire";

const events = new EventEmitter();

// #region member
class Member {
  isLeader = false;
  #server: IPCServer;
  #client: IPCClient;

  constructor(knownPort: number) {
    this.#server = new IPCServer(knownPort);
    this.#client = new IPCClient(knownPort);
    // The leader is gone: try to become the new one.
    this.#client.onClose(() => void this.becomeLeaderOrFollower());
  }

  async becomeLeaderOrFollower(): Promise<void> {
    this.isLeader = await this.#server.start(); // false: the port is held, so somebody leads
    if (!this.isLeader) await this.#client.connect();
    events.emit("settled");
  }

  async leave(): Promise<void> {
    await this.#client.disconnect();
    await this.#server.close();
  }
}
// #endregion

export async function main(): Promise<void> {
  const port = await findFreePort(); // in your program: a port that you chose
  const first = new Member(port);
  await first.becomeLeaderOrFollower();
  const second = new Member(port);
  await second.becomeLeaderOrFollower();
  console.log(`first leads: ${first.isLeader}, second leads: ${second.isLeader}`);

  // #region failover
  const settled = once(events, "settled");
  await first.leave();
  await settled;
  console.log(`second leads: ${second.isLeader}`); // true
  // #endregion

  await second.leave();
}

async function findFreePort(): Promise<number> {
  const probe = new IPCServer(0);
  await probe.start();
  const port = probe.getPort();
  await probe.close();
  return port;
}

if (process.argv[1] === import.meta.filename) await main();
