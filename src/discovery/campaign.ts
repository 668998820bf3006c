// The way to a seat: connect to whoever leads, and bid only where nobody does.

import { CrosswireError, isCrosswireError } from "../errors.ts";
import { createBackoff, delayBefore } from "../ipc/reconnect.ts";
import type { Limits } from "../limits.ts";
import { nodeClock } from "../node/node-clock.ts";
import type { Elector } from "./elector.ts";
import { heldByForeign, isSlow } from "./rival.ts";
import { follow, LeaderSeat, type Seat, type Sitter } from "./seat.ts";
import type { Stage } from "./stage.ts";

export interface Candidate {
  readonly elector: Elector;
  readonly stage: Stage;
  readonly token: string | undefined;
  readonly limits: Limits;
  /** What it says of itself; asked anew for each attempt. */
  readonly sitter: () => Sitter;
  readonly signal: AbortSignal;
  /** Whether somebody waits for the seat. */
  readonly isAwaited: () => boolean;
}

/** Jittered: many lose their leader at the same moment. */
const BACKOFF = createBackoff({ initialDelayMs: 5, factor: 1.5, maxDelayMs: 200 });
/** Between attempts to get past what will not go by itself. */
const STUBBORN_BACKOFF = createBackoff({ initialDelayMs: 100, maxDelayMs: 500 });
/** Beyond the handshake: for a leader that goes or comes just now. */
const SECOND_LOOK_MS = 200;
/** One failure may be a moment between two leaders, or between a token and the file it is written in. */
const MIN_ATTEMPTS = 3;
/** What a successor needs to take the port. Nobody else looks for the next leader before. */
const HEAD_START_MS = 8;
/** How much longer those stay away for whom nobody waits: all at once would be in the way of each other, and of the leader. */
const STAY_AWAY_MS = { least: 22, most: 72 };

/** One attempt: a seat, or undefined when the port is neither free nor led at this moment. A successor bids first. */
async function tryOnce(candidate: Candidate, isSuccessor = false): Promise<Seat | undefined> {
  const { elector, token, limits } = candidate;
  const address = await elector.find();
  const sitter = candidate.sitter();
  if (address !== undefined && isSuccessor) {
    const seat = await bid(candidate, sitter.knownEpoch);
    if (seat !== undefined) return seat;
  }
  if (address !== undefined) {
    const seat = await follow({ address, sitter, token, limits });
    if (seat !== undefined) return seat;
  }
  return bid(candidate, sitter.knownEpoch);
}

async function bid(
  { elector, stage, sitter }: Candidate,
  knownEpoch: number,
): Promise<Seat | undefined> {
  try {
    const leadership = await elector.bid({ server: stage.parts.server, knownEpoch });
    return leadership && new LeaderSeat(sitter(), leadership, stage.parts);
  } catch (error) {
    await stage.renew();
    throw error;
  }
}

/** The first seat. Rejects within 1.5 s with what is in the way; a leader that is not stopped, and may only lack processor time, gets longer. */
export async function findFirstSeat(candidate: Candidate): Promise<Seat> {
  const { limits, elector, signal } = candidate;
  const startedAt = nodeClock.now();
  for (let attempt = 1; ; attempt++) {
    const isOver = (patienceMs: number): boolean =>
      attempt >= MIN_ATTEMPTS && nodeClock.now() - startedAt > patienceMs;
    try {
      const seat = await tryOnce(candidate);
      if (seat !== undefined) return seat;
      if (isOver(limits.discoveryHandshakeMs + SECOND_LOOK_MS))
        throw heldByForeign(elector.port, undefined);
    } catch (error) {
      const patienceMs = isSlow(error) ? limits.connectTimeoutMs : SECOND_LOOK_MS;
      if (!isPassing(error) || isOver(patienceMs)) throw error;
    }
    await pause(delayBefore(attempt, BACKOFF), signal);
  }
}

/**
 * The next seat, however long it takes; `onTrouble` hears what is in the way. Rejects when the signal fires.
 * The order of succession is a matter of speed: who leads is decided by bids alone, and a successor that makes none is
 * waited for by nobody for longer than a moment.
 */
export async function findNextSeat(
  candidate: Candidate,
  successor: string | undefined,
  onTrouble: (trouble: CrosswireError) => void,
): Promise<Seat> {
  const { limits, elector } = candidate;
  const patientUntil = nodeClock.now() + limits.discoveryHandshakeMs + SECOND_LOOK_MS;
  const isSuccessor = successor === candidate.sitter().instanceId;
  if (successor !== undefined && !isSuccessor) await standBack(candidate);
  for (let attempt = 1; ; attempt++) {
    candidate.signal.throwIfAborted();
    let backoff = BACKOFF;
    try {
      const seat = await tryOnce(candidate, isSuccessor && attempt === 1);
      if (seat !== undefined) return seat;
      if (attempt >= MIN_ATTEMPTS && nodeClock.now() > patientUntil)
        onTrouble(heldByForeign(elector.port, undefined));
    } catch (error) {
      if (!isPassing(error) || attempt > MIN_ATTEMPTS) onTrouble(troubleOf(error));
      if (!isPassing(error)) backoff = STUBBORN_BACKOFF;
    }
    await pause(delayBefore(attempt, backoff), candidate.signal);
  }
}

/** Leaves the port, and the processors, to the successor. */
async function standBack({ isAwaited, signal }: Candidate): Promise<void> {
  await pause(HEAD_START_MS, signal);
  const { least, most } = STAY_AWAY_MS;
  if (!isAwaited()) await pause(least + Math.random() * (most - least), signal);
}

/** Trying again at once may help: the leader lacks processor time, is full or closing, or its token is a new one. */
function isPassing(error: unknown): boolean {
  return (
    isSlow(error) ||
    isCrosswireError(error, "XW_OVERLOADED") ||
    isCrosswireError(error, "XW_REFUSED")
  );
}

/** An elector of the user's may fail in any way, and must not end a process by it. */
function troubleOf(error: unknown): CrosswireError {
  if (isCrosswireError(error)) return error;
  const text = `The elector failed: ${String(error)}`;
  return new CrosswireError("XW_UNREACHABLE", text, { cause: error });
}

function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const wake = (): void => {
      nodeClock.clearTimer(timer);
      signal.removeEventListener("abort", wake);
      resolve();
    };
    const timer = nodeClock.setTimer(wake, delayMs);
    signal.addEventListener("abort", wake, { once: true });
    if (signal.aborted) wake();
  });
}
