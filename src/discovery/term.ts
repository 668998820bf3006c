// One leadership, as the DiscoveryServer of the leader knows it.

import type { LeaderIdentity } from "./discovery-ipc.ts";
import type { MemberRef } from "./gathering.ts";

export interface Term {
  readonly name: string;
  readonly identity: LeaderIdentity;
  readonly epoch: number;
  /** Those of the term before. */
  readonly expected: readonly MemberRef[];
  /** Kept for whoever leads next: called before a member is told that it is registered. */
  readonly remember: (epoch: number, members: readonly MemberRef[]) => void;
}
