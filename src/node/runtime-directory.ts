// The directory where processes of one user leave notes for each other: who serves where, and which port is whose.
// SECURITY: 0600 files in a 0700 directory that belongs to the user; whatever is found otherwise is not trusted.

import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  watch,
  writeFileSync,
} from "node:fs";
import { randomUUID } from "node:crypto";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import type { Undo } from "../lifetime.ts";

const MAX_NOTE_BYTES = 64 * 1024;

/** Where the note called `name` is, whether it exists or not. */
export function notePath(name: string): string {
  return join(runtimeDirectory(), name);
}

/**
 * Replaces a note as a whole. Synchronous on purpose: a note must be there before what it tells of.
 *
 * Throws when the directory cannot be trusted.
 */
export function writeNote(name: string, text: string): void {
  const directory = runtimeDirectory();
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const fault = directoryFault(directory);
  if (fault !== undefined)
    throw new Error(`The runtime directory ${directory} cannot be trusted: ${fault}.`);
  const file = join(directory, name);
  // Written aside and renamed: a reader sees the old note or the new one, never half of one.
  const draft = `${file}.${randomUUID()}.tmp`;
  try {
    writeFileSync(draft, text, { mode: 0o600, flag: "wx" });
    renameSync(draft, file);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

/** The text of a note; undefined when there is none, or none that can be trusted. */
export function readNote(name: string): string | undefined {
  const directory = runtimeDirectory();
  const file = join(directory, name);
  try {
    if (directoryFault(directory) !== undefined || statSync(file).size > MAX_NOTE_BYTES)
      return undefined;
    return readFileSync(file, "utf8");
  } catch {
    // Not there, or gone while it was read: both mean that there is no note to be had.
    return undefined;
  }
}

export function removeNote(name: string): void {
  rmSync(notePath(name), { force: true });
}

/** The names of the notes that begin like this. */
export function listNotes(beginning: string): string[] {
  const directory = runtimeDirectory();
  try {
    if (directoryFault(directory) !== undefined) return [];
    return readdirSync(directory).filter((name) => name.startsWith(beginning) && !isDraft(name));
  } catch {
    return []; // Nobody has left a note yet.
  }
}

/** Tells of each note that comes, changes or goes. Keeps no process alive. Returns the undo. */
export function watchNotes(listener: (name: string) => void): Undo {
  const directory = runtimeDirectory();
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const watcher = watch(directory, { persistent: false }, (_, name) => {
    if (name !== null && !isDraft(name)) listener(name);
  });
  // The directory was removed: there is nothing to tell of any more.
  watcher.on("error", () => watcher.close());
  return () => watcher.close();
}

function isDraft(name: string): boolean {
  return name.endsWith(".tmp");
}

/** The first that is set: CROSSWIRE_RUNTIME_DIR, XDG_RUNTIME_DIR/crosswire, a directory of the user in the temp dir. */
function runtimeDirectory(env: NodeJS.ProcessEnv = process.env): string {
  const { CROSSWIRE_RUNTIME_DIR: own, XDG_RUNTIME_DIR: xdg } = env;
  if (own !== undefined && own !== "") return own;
  if (xdg !== undefined && xdg !== "") return join(xdg, "crosswire");
  return join(tmpdir(), `crosswire-${userId()}`);
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
