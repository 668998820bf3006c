// Who else has the port: from what an attempt to follow met there to an error that names it.

import { CrosswireError, isCrosswireError } from "../errors.ts";
import { readRuntimeFile } from "../ipc/runtime-file.ts";
import { isAlive, processState } from "../node/process-state.ts";

/** Nobody is there, or not any more: a bid will tell. */
export function isAbsence(error: unknown): boolean {
  return (
    isCrosswireError(error, "XW_UNREACHABLE") ||
    isCrosswireError(error, "XW_CONNECTION_LOST") ||
    isCrosswireError(error, "XW_CLOSED")
  );
}

/** The leader is not stopped, as far as can be told; so the machine may have let it, or this process, wait. */
export function isSlow(error: unknown): boolean {
  return isCrosswireError(error, "XW_UNRESPONSIVE") && ["busy", "idle"].includes(stateOf(error));
}

/** The error for what was met at this address. */
export function nameRival(error: unknown, address: number | string, waitedMs: number): unknown {
  if (isCrosswireError(error, "XW_NO_HANDLER")) return noDiscovery(address, error);
  if (!isCrosswireError(error, "XW_TIMEOUT")) return error;
  const pid = typeof address === "number" ? leaderPid(address) : undefined;
  return pid === undefined ? silent(address, waitedMs, error) : unresponsive(pid, error);
}

export function unresponsive(pid: number, cause?: unknown): CrosswireError {
  const state = processState(pid);
  const seen = state === "stopped" ? "is stopped (SIGSTOP)" : "does not answer";
  return new CrosswireError(
    "XW_UNRESPONSIVE",
    `The leader, process ${pid}, ${seen} but holds the port. Continue it (kill -CONT ${pid}) or end it (kill -9 ${pid}).`,
    { detail: { pid, ...(state === undefined ? {} : { state }) }, cause },
  );
}

export function otherName(
  address: number | string,
  theirs: { readonly name: string; readonly pid: number },
  ours: string,
): CrosswireError {
  const { name, pid } = theirs;
  return new CrosswireError(
    "XW_OTHER_NAME",
    `${placeOf(address)} belongs to the discovery ${JSON.stringify(name)} of process ${pid}, this one is ` +
      `${JSON.stringify(ours)}. Use another port, or the same name.`,
    { detail: { name, pid } },
  );
}

export function withoutElection(address: number | string, pid: number): CrosswireError {
  return new CrosswireError(
    "XW_FOREIGN",
    `${placeOf(address)} belongs to a DiscoveryServer of process ${pid} that takes part in no election. ` +
      "Use another port for joinDiscovery().",
  );
}

/** The port is neither free nor answered, whatever is tried. */
export function heldByForeign(address: number | string, cause: unknown): CrosswireError {
  return new CrosswireError(
    "XW_FOREIGN",
    `${placeOf(address)} is taken, but whoever has it hangs up or does not listen: it is not Crosswire. ` +
      "Stop that program, or use another port.",
    { cause },
  );
}

function silent(address: number | string, waitedMs: number, cause: CrosswireError): CrosswireError {
  return new CrosswireError(
    "XW_FOREIGN",
    `${placeOf(address)} accepted the connection but said nothing in ${Math.round(waitedMs)} ms, and no leader of yours ` +
      "is known there: it is not Crosswire. Stop that program, or use another port.",
    { cause },
  );
}

function noDiscovery(address: number | string, cause: CrosswireError): CrosswireError {
  return new CrosswireError(
    "XW_FOREIGN",
    `${placeOf(address)} is a Crosswire server, but not one of a discovery. Use another port for joinDiscovery().`,
    { cause },
  );
}

/** The process that wrote down to serve there, if it still exists. */
function leaderPid(port: number): number | undefined {
  const pid = readRuntimeFile(String(port))?.pid;
  return pid !== undefined && isAlive(pid) ? pid : undefined;
}

function stateOf({ detail }: CrosswireError): string {
  return (detail as { readonly state?: string } | undefined)?.state ?? "";
}

function placeOf(address: number | string): string {
  return typeof address === "number" ? `Port ${address}` : address;
}
