// A member that only looks: it follows whoever leads, and never bids.

import { type Elector, joinDiscovery, type Member } from "crosswire/discovery";

class NeverBids implements Elector {
  readonly port: number;

  constructor(port: number) {
    this.port = port;
  }

  find(): Promise<number> {
    return Promise.resolve(this.port);
  }

  bid(): Promise<undefined> {
    return Promise.resolve(undefined);
  }
}

export function observe(port: number, name: string): Promise<Member> {
  return joinDiscovery({ name, elector: new NeverBids(port) });
}
