// Who belongs together without being told: the processes of one workspace.

import { existsSync, readFileSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";

/** Files that stand at the root of a workspace, and nowhere below it. */
const MARKS = [".git", "pnpm-workspace.yaml", "turbo.json", "nx.json", "lerna.json"];
const FIRST_PORT = 20_000;
const PORTS = 4_000;

/** CROSSWIRE_NAME, else the root of the workspace that the working directory is in. */
export function groupName(): string {
  const name = process.env["CROSSWIRE_NAME"];
  return name === undefined || name === "" ? workspaceRoot(realpathSync(process.cwd())) : name;
}

/** A port that only depends on the name: two workspaces do not meet. Below the ephemeral ports of Linux, macOS and Windows. */
export function groupPort(name: string): number {
  let hash = 0x81_1c_9d_c5;
  for (const char of name) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01_00_01_93);
  return FIRST_PORT + ((hash >>> 0) % PORTS);
}

function workspaceRoot(folder: string): string {
  let nearestPackage: string | undefined;
  for (let at = folder; ; at = dirname(at)) {
    if (isRoot(at)) return at;
    if (existsSync(join(at, "package.json"))) nearestPackage ??= at;
    if (dirname(at) === at) return nearestPackage ?? folder;
  }
}

function isRoot(folder: string): boolean {
  return MARKS.some((mark) => existsSync(join(folder, mark))) || hasWorkspaces(folder);
}

function hasWorkspaces(folder: string): boolean {
  try {
    const manifest: unknown = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    return typeof manifest === "object" && manifest !== null && "workspaces" in manifest;
  } catch {
    return false;
  }
}
