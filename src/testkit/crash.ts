// How a worker that is gone is told: to those who waited for it, and to those who come later.

import { CrosswireError } from "../errors.ts";
import type { Ended } from "./launch.ts";

/** In `detail` of XW_WORKER. */
export interface WorkerDetail {
  readonly runtimeId: string;
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last lines it wrote to stderr. */
  readonly stderr: readonly string[];
}

export interface Crash {
  readonly runtimeId: string;
  /** Undefined while it runs: then it is late. */
  readonly ended: Ended | undefined;
  readonly stderr: readonly string[];
}

/** What a call adds to the error it gets. */
export interface CallFacts {
  readonly path?: string | undefined;
  readonly maybeDelivered?: boolean | undefined;
  readonly cause?: unknown;
}

/** `what` says in a sentence what was wanted, or how it ended. */
export function workerError(what: string, crash: Crash, facts: CallFacts = {}): CrosswireError {
  const { runtimeId, ended, stderr } = crash;
  const detail: WorkerDetail = {
    runtimeId,
    exitCode: ended?.code ?? null,
    signal: ended?.signal ?? null,
    stderr: [...stderr],
  };
  return new CrosswireError("XW_WORKER", `${what}${lastLines(stderr)}`, {
    peer: nameOf(runtimeId),
    detail,
    ...facts,
  });
}

export function nameOf(runtimeId: string): string {
  return `worker ${JSON.stringify(runtimeId)}`;
}

/** In words that stand after "it". */
export function endOf({ code, signal, reason }: Ended): string {
  if (signal !== null) return `was killed by ${signal}`;
  if (code !== null) return `ended by itself, with exit code ${code}`;
  return `could not be started (${reason ?? "for an unknown reason"})`;
}

function lastLines(stderr: readonly string[]): string {
  if (stderr.length === 0) return " It wrote nothing to stderr.";
  return ` Its last lines on stderr:\n${stderr.map((line) => `    ${line}`).join("\n")}`;
}
