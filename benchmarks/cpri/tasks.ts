// What the processes of this suite agree on: who takes part, what is done, and what is told of it.

/**
 * `plain` sends to a local server without any capture, `idle` likewise with a capture that nothing can match, and
 * `freed` is the process of `idle` with its capture closed. `msw` mocks in its own process, `crosswire` is answered by
 * a handler in another process, `hundred` by the last of a hundred handlers there.
 */
export type Peer = "plain" | "idle" | "freed" | "msw" | "crosswire" | "hundred";

export type Operation = "fetch" | "http" | "body" | "frame";

export interface Task {
  /** Whether the process of `idle` is to have its capture. */
  readonly isCapturing: boolean;
  readonly operation: Operation;
  readonly inFlight: number;
  /** It ends after so many seconds, or so many operations. */
  readonly seconds?: number;
  readonly count?: number;
}

export interface Done {
  readonly count: number;
  readonly seconds: number;
  readonly cpuMicros: number;
  readonly p50Micros: number;
  /** The most that it had more than before the segment. */
  readonly rssGrowthBytes: number;
  /** What is open in the process afterwards. */
  readonly resources: number;
}

/** Nobody has this name: what answers is no network. */
export const MOCKED = "http://api.example.test";
export const BODY_BYTES: number = 100 * 1_048_576;
export const CHUNK_BYTES: number = 64 * 1024;
export const USER = { id: 7, name: "Ada Lovelace", roles: ["admin", "author"] };

export async function* chunks(): AsyncGenerator<Uint8Array, void> {
  const chunk = new Uint8Array(CHUNK_BYTES).fill(120);
  for (let sent = 0; sent < BODY_BYTES; sent += CHUNK_BYTES) yield chunk;
}
