// Who belongs together without being told: processes of one workspace have one name and one port, those of another do not.

import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join as joinPath } from "node:path";
import { joinDiscovery } from "crosswire/discovery";
import { expect, onTestFinished, test, vi } from "vitest";
import { groupName, groupPort } from "../../src/discovery/group.ts";
import { isFree } from "./fixtures/member-port.ts";

/** A folder with these files, which is gone after the test. */
function createFolder(files: Readonly<Record<string, string>>): string {
  const folder = realpathSync(mkdtempSync(joinPath(tmpdir(), "crosswire-group-")));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(joinPath(folder, name)), { recursive: true });
    writeFileSync(joinPath(folder, name), text);
  }
  return folder;
}

/** The name in this working directory. */
function nameIn(folder: string): string {
  const before = process.cwd();
  try {
    process.chdir(folder);
    return groupName();
  } finally {
    process.chdir(before);
  }
}

function setName(name: string): void {
  vi.stubEnv("CROSSWIRE_NAME", name);
  onTestFinished(() => void vi.unstubAllEnvs());
}

test.each([
  [".git of a checkout", { ".git/HEAD": "" }],
  [".git of a worktree", { ".git": "gitdir: elsewhere" }],
  ["pnpm-workspace.yaml", { "pnpm-workspace.yaml": "" }],
  ["workspaces in package.json", { "package.json": '{"workspaces":["packages/*"]}' }],
])("the name is the root of the workspace, known by %s", (_mark, files) => {
  const root = createFolder({
    ...files,
    "packages/a/package.json": "{}",
    "packages/a/src/index.ts": "",
    "packages/b/package.json": "not even JSON",
  });
  for (const folder of ["", "packages", "packages/a", "packages/a/src", "packages/b"]) {
    expect(nameIn(joinPath(root, folder))).toBe(root);
  }
});

test("without a workspace the name is the nearest package, and without one the folder", () => {
  const folder = createFolder({ "app/package.json": "{}", "app/src/index.ts": "", "none/x": "" });
  expect(nameIn(joinPath(folder, "app/src"))).toBe(joinPath(folder, "app"));
  expect(nameIn(joinPath(folder, "none"))).toBe(joinPath(folder, "none"));
});

test("CROSSWIRE_NAME is the name wherever it is set, and an empty one is none", () => {
  const folder = createFolder({ "package.json": "{}" });
  setName("mine");
  expect(nameIn(folder)).toBe("mine");
  setName("");
  expect(nameIn(folder)).toBe(folder);
});

test("the port follows from the name, and is below the ephemeral ones", () => {
  // Written down: processes of two versions of the package have to meet.
  expect([groupPort("a"), groupPort("/home/me/shop"), groupPort("")]).toEqual(PORTS);
  const names = Array.from({ length: 1_000 }, (_none, index) => `/home/me/project-${index}`);
  const ports = names.map(groupPort);
  expect(Math.min(...ports)).toBeGreaterThanOrEqual(20_000);
  expect(Math.max(...ports)).toBeLessThan(24_000);
  // By chance alone 1,000 names have 885 of 4,000 ports.
  expect(new Set(ports).size).toBeGreaterThan(840);
});

const PORTS = [22_220, 21_361, 20_261];

test("members of one name meet with no options at all", async () => {
  let name = "group-test";
  while (!(await isFree(groupPort(name)))) name += "x";
  setName(name);
  await using leader = await joinDiscovery();
  await using follower = await joinDiscovery();
  expect([leader.name, follower.name]).toEqual([name, name]);
  expect([leader.isLeader, follower.isLeader]).toEqual([true, false]);
  expect(follower.url).toBe(`http://127.0.0.1:${groupPort(name)}`);
});
