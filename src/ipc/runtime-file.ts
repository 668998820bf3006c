// How processes of one user find a server's token without being told: a note that only this user can read.

import { readNote, removeNote, writeNote } from "../node/runtime-directory.ts";

export interface RuntimeRecord {
  readonly url: string;
  readonly token: string;
  readonly pid: number;
  readonly instanceId: string;
  readonly name?: string;
}

/** Synchronous on purpose: the file must be there before the event loop lets the port answer. */
export function writeRuntimeFile(key: string, record: RuntimeRecord): void {
  writeNote(`${key}.json`, JSON.stringify(record));
}

/** What the server of this key wrote; undefined when there is nothing, or nothing that can be trusted. */
export function readRuntimeFile(key: string): RuntimeRecord | undefined {
  try {
    const record = JSON.parse(readNote(`${key}.json`) ?? "null") as Partial<RuntimeRecord> | null;
    return isRecord(record) ? record : undefined;
  } catch {
    return undefined; // Not what a server writes.
  }
}

/** Removes the file unless a newer server has written its own there. */
export function removeRuntimeFile(key: string, instanceId: string): void {
  if (readRuntimeFile(key)?.instanceId === instanceId) removeNote(`${key}.json`);
}

function isRecord(record: Partial<RuntimeRecord> | null): record is RuntimeRecord {
  return (
    typeof record === "object" &&
    record !== null &&
    typeof record.url === "string" &&
    typeof record.token === "string" &&
    typeof record.pid === "number" &&
    typeof record.instanceId === "string"
  );
}
