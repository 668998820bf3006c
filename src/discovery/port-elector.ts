// Election by binding a port: the kernel gives it to one process, and takes it back when that process ends.
// Always the literal 127.0.0.1: with any other host two processes could both have "the" port.

import { CrosswireError } from "../errors.ts";
import type { IPCServer } from "../ipc/server.ts";
import { readNote, writeNote } from "../node/runtime-directory.ts";
import { isEpoch } from "./discovery-ipc.ts";
import type { Bid, Elector, Leadership } from "./elector.ts";
import type { MemberRef } from "./gathering.ts";

/** What a leader leaves for the next one. */
interface LeaderNote {
  readonly epoch: number;
  readonly members: readonly MemberRef[];
}

/** A note has room for so many; who is not in it is not waited for. */
const MAX_MEMBERS = 500;

export class PortElector implements Elector {
  readonly port: number;

  constructor(port: number) {
    if (!Number.isInteger(port) || port < 1 || port > 65_535)
      throw new TypeError(
        `${port} is not a port to meet at; ports are whole numbers from 1 to 65535.`,
      );
    this.port = port;
  }

  find(): Promise<number> {
    return Promise.resolve(this.port);
  }

  async bid({ server, knownEpoch }: Bid): Promise<Leadership | undefined> {
    if (!(await server.start())) return undefined;
    // From here on nobody else writes the note: the port is ours, and no client has been let in yet.
    const { epoch, members } = readLeaderNote(this.port);
    const leadership = new PortLeadership(this.port, server, members);
    try {
      leadership.remember(nextEpoch(epoch, knownEpoch), members);
    } catch (error) {
      await server.close();
      throw cannotRemember(this.port, error);
    }
    return leadership;
  }
}

class PortLeadership implements Leadership {
  epoch = 0;
  readonly predecessors: readonly MemberRef[];
  #port: number;
  #server: IPCServer;
  #written = "";
  #controller = new AbortController();

  constructor(port: number, server: IPCServer, predecessors: readonly MemberRef[]) {
    this.#port = port;
    this.#server = server;
    this.predecessors = predecessors;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  remember(epoch: number, members: readonly MemberRef[]): void {
    // Its clients still go one after the other, but the note is the next leader's.
    if (this.signal.aborted) return;
    this.epoch = epoch;
    const inOrder = members.toSorted((a, b) => (a.id < b.id ? -1 : 1));
    const note: LeaderNote = { epoch, members: inOrder.slice(0, MAX_MEMBERS) };
    const text = JSON.stringify(note);
    // Whoever comes back was in it already: after a failover, when everybody does, that is nearly always so.
    if (text === this.#written) return;
    writeNote(noteName(this.#port), text);
    this.#written = text;
  }

  async resign(graceMs: number): Promise<void> {
    // First nobody acts as the leader any more, then the port is free for the next one.
    this.#controller.abort();
    await this.#server.close({ graceMs });
  }
}

/**
 * Above all that are known. And above those that nobody knows any more, because the note went with a restart of the
 * machine: no group changes its leader more than once a second on average, so the clock is ahead of them.
 */
function nextEpoch(...known: readonly number[]): number {
  return Math.max(...known, Math.floor(Date.now() / 1_000)) + 1;
}

function noteName(port: number): string {
  return `discovery-${port}.json`;
}

function readLeaderNote(port: number): LeaderNote {
  try {
    const { epoch, members } = JSON.parse(readNote(noteName(port)) ?? "") as Partial<LeaderNote>;
    if (!isEpoch(epoch) || !Array.isArray(members)) return NO_NOTE;
    return { epoch, members: members.filter(isMemberRef) };
  } catch {
    return NO_NOTE; // The first leader here, or somebody tidied up.
  }
}

function cannotRemember(port: number, cause: unknown): CrosswireError {
  const text = `The leader at port ${port} cannot write down its epoch: ${(cause as Error).message}`;
  return new CrosswireError("XW_LISTEN", text, { cause });
}

const NO_NOTE: LeaderNote = { epoch: 0, members: [] };

function isMemberRef(value: unknown): value is MemberRef {
  const { id, pid } = (value ?? {}) as Partial<MemberRef>;
  return typeof id === "string" && Number.isSafeInteger(pid);
}
