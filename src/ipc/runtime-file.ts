// How processes of one user find a server's token without being told: a file that only this user can read.
// SECURITY: 0600 in a 0700 directory that belongs to the user; whatever is found otherwise is not trusted.

import {
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";

export interface RuntimeRecord {
  readonly url: string;
  readonly token: string;
  readonly pid: number;
  readonly instanceId: string;
  readonly name?: string;
}

const MAX_FILE_BYTES = 64 * 1024;

/** The first that is set: CROSSWIRE_RUNTIME_DIR, XDG_RUNTIME_DIR/crosswire, a directory of the user in the temp dir. */
function runtimeDirectory(env: NodeJS.ProcessEnv = process.env): string {
  const { CROSSWIRE_RUNTIME_DIR: own, XDG_RUNTIME_DIR: xdg } = env;
  if (own !== undefined && own !== "") return own;
  if (xdg !== undefined && xdg !== "") return join(xdg, "crosswire");
  return join(tmpdir(), `crosswire-${userId()}`);
}

/** Synchronous on purpose: the file must be there before the event loop lets the port answer. */
export function writeRuntimeFile(key: string, record: RuntimeRecord): void {
  const directory = runtimeDirectory();
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const fault = directoryFault(directory);
  if (fault !== undefined)
    throw new Error(`The runtime directory ${directory} cannot be trusted: ${fault}.`);
  const file = join(directory, `${key}.json`);
  // Written aside and renamed: a reader sees the old file or the new one, never half of one.
  const draft = `${file}.${record.instanceId}.tmp`;
  writeFileSync(draft, JSON.stringify(record), { mode: 0o600, flag: "wx" });
  renameSync(draft, file);
}

/** What the server of this key wrote; undefined when there is nothing, or nothing that can be trusted. */
export function readRuntimeFile(key: string): RuntimeRecord | undefined {
  const directory = runtimeDirectory();
  const file = join(directory, `${key}.json`);
  try {
    if (directoryFault(directory) !== undefined || statSync(file).size > MAX_FILE_BYTES)
      return undefined;
    const record = JSON.parse(readFileSync(file, "utf8")) as Partial<RuntimeRecord>;
    return isRecord(record) ? record : undefined;
  } catch {
    // Not there, or gone while it was read: both mean that there is no token to be had.
    return undefined;
  }
}

/** Removes the file unless a newer server has written its own there. */
export function removeRuntimeFile(key: string, instanceId: string): void {
  if (readRuntimeFile(key)?.instanceId !== instanceId) return;
  rmSync(join(runtimeDirectory(), `${key}.json`), { force: true });
}

/** Whether the process that wrote the file still exists. */
export function isAlive({ pid }: RuntimeRecord): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function directoryFault(directory: string): string | undefined {
  const stats = lstatSync(directory);
  if (!stats.isDirectory()) return "it is not a directory";
  // Windows has no owner and mode bits to look at; there the user's own temp directory is the guard.
  if (process.getuid === undefined) return undefined;
  if (stats.uid !== process.getuid()) return "it belongs to another user";
  return (stats.mode & 0o077) === 0
    ? undefined
    : "others have access to it (its mode must be 0700)";
}

function userId(): string {
  return String(process.getuid?.() ?? userInfo().username.replaceAll(/\W/g, "_"));
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
