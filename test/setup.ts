// Runs before each test file: a world of its own, and an eye on what no test may leave behind.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, expect } from "vitest";
import { EXPECTED_WARNING, turn, until } from "./fixtures/wait.ts";

// Files share a process. What one of them left open is not held against the next.
const openBefore = openSockets().length;

// mkdtemp makes it 0700, as the runtime file demands. Children started by a test inherit it.
const runtimeDirectory = mkdtempSync(join(tmpdir(), "crosswire-test-"));
process.env["CROSSWIRE_RUNTIME_DIR"] = runtimeDirectory;
delete process.env["CROSSWIRE_URL"];
delete process.env["CROSSWIRE_TOKEN"];

const warnings: Error[] = [];
const rejections: unknown[] = [];
const onWarning = (warning: Error): void => {
  if (warning.name === "CrosswireWarning") warnings.push(warning);
};
const onRejection = (reason: unknown): void => void rejections.push(reason);
process.on("warning", onWarning).on("unhandledRejection", onRejection);

afterEach(async () => {
  // Warnings and rejections are told a turn after they happen.
  await turn();
  const unexpected = warnings.splice(0).filter((warning) => !(EXPECTED_WARNING in warning));
  expect(unexpected, "process warnings that the test did not expect").toEqual([]);
  expect(rejections.splice(0), "promises that were rejected unseen").toEqual([]);
});

afterAll(async () => {
  rmSync(runtimeDirectory, { recursive: true, force: true });
  const areClosed = (): boolean => openSockets().length <= openBefore;
  await until(areClosed, "all sockets to close").catch(() => {});
  process.off("warning", onWarning).off("unhandledRejection", onRejection);
  expect(openSockets().slice(openBefore), "sockets that the tests left open").toEqual([]);
});

/** TCP only: the pipes of this process belong to the test runner. */
function openSockets(): string[] {
  return process.getActiveResourcesInfo().filter((name) => name.startsWith("TCP"));
}
