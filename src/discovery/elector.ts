// Who leads: the interface that every way of electing a leader has. The default binds a port (port-elector.ts).

import type { IPCServer } from "../ipc/server.ts";
import type { MemberRef } from "./gathering.ts";

export interface Elector {
  /** Where a leader of this election listens; 0 for any port. */
  readonly port: number;
  /** False where bids are never won: such a member is not named the successor. True unless given. */
  readonly canLead?: boolean;
  /** Where the leader is to be found. Undefined when there is none. Asked before each bid. */
  find(): Promise<number | string | undefined>;
  /**
   * Tries once to become the leader. Starts the server last: who connects then finds a leader. Resolves with undefined
   * when another one was faster; rejects with XW_LISTEN.
   */
  bid(bid: Bid): Promise<Leadership | undefined>;
}

export interface Bid {
  /** Starts to listen when the election is won. */
  readonly server: IPCServer;
  /** The highest epoch that the candidate has seen. */
  readonly knownEpoch: number;
}

export interface Leadership {
  /** Higher than that of every leader before. Send it along with what you write elsewhere, and refuse lower ones there. */
  readonly epoch: number;
  /** Aborts when the leadership is lost or given up, before anybody else can have it. */
  readonly signal: AbortSignal;
  /** The members that registered services with the leader before. */
  readonly predecessors: readonly MemberRef[];
  /** Writes down what the next leader has to know. */
  remember(epoch: number, members: readonly MemberRef[]): void;
  /** Lets go; nobody has to wait for a timeout. */
  resign(graceMs: number): Promise<void>;
}
