// `crosswire run`: a command, and all that it starts, can be answered by tests.

import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { pathToFileURL } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { http } from "../../src/cpri/handlers/http-handlers.ts";
import { HttpResponse } from "../../src/cpri/handlers/http-response.ts";
import { ROOT, runCommand, startCommand } from "../proxy/command.ts";
import { childFile, world } from "./world.ts";

const node = process.execPath;

function caller(what: string): string[] {
  return [node, childFile("caller"), what];
}

/** The built package in another folder. */
function packageIn(name: string): string {
  const parent = mkdtempSync(join(tmpdir(), "crosswire-run-"));
  onTestFinished(() => rmSync(parent, { recursive: true, force: true }));
  const folder = join(parent, name);
  const filter = (file: string): boolean => !/\.(map|d\.ts)$/.test(file);
  cpSync(join(ROOT, "dist"), join(folder, "dist"), { recursive: true, filter });
  cpSync(join(ROOT, "package.json"), join(folder, "package.json"));
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"), "junction");
  return folder;
}

test("what a grandchild sends is answered, and its exit code comes back", async () => {
  const { name, receiver } = world();
  await receiver([http.get("*", () => HttpResponse.text("answered"))]);
  const ended = await runCommand(["run", "--name", name, "--", ...caller("grandchild")]);
  expect(ended).toEqual({ code: 3, stdout: "answered\n", stderr: "" });
});

test("the name is that of the workspace unless one is given, and NODE_OPTIONS are kept", async () => {
  const env = { NODE_OPTIONS: "--title=mine", CROSSWIRE_NAME: "of the environment" };
  const { stdout } = await runCommand(["run", ...caller("options")], { env });
  const register = pathToFileURL(join(ROOT, "dist/cpri/register.js")).href;
  expect(stdout).toBe(`--title=mine --import=${register} of the environment mine\n`);
});

test("a signal is passed on, and what the command makes of it comes back", async () => {
  const command = startCommand(["run", "--", ...caller("wait")]);
  expect(await command.lines.next()).toBe("started");
  command.process.kill("SIGTERM");
  expect(await command.finished).toMatchObject({ code: 7, stdout: "started\ntold to end\n" });
});

test("a command that was killed has the exit code that shells give it", async () => {
  const killsItself = [node, "-e", "process.kill(process.pid, 'SIGKILL')"];
  expect((await runCommand(["run", "--", ...killsItself])).code).toBe(137);
});

test("a package below a path with a space works as well", async () => {
  const { name, receiver } = world();
  await receiver([http.get("*", () => HttpResponse.text("answered"))]);
  const main = join(packageIn("a folder"), "dist/cli/main.js");
  const args = ["run", "--name", name, "--", ...caller("send")];
  const child = execFile(node, [main, ...args]);
  expect(await text(child.stdout as Readable)).toBe("answered\n");
});

test.each([
  [["run"], 2, "crosswire run needs a command"],
  [["run", "--", "no-such-program"], 2, "no-such-program cannot be started"],
  [["run", "--nonsense", "--", "node"], 2, "--nonsense"],
  [["run", "--decision-timeout", "0", "--", "node"], 2, "--decision-timeout is 1 or more"],
])("crosswire %j is refused", async (args, code, words) => {
  const ended = await runCommand(args);
  expect(ended.code).toBe(code);
  expect(ended.stderr).toContain(words);
});
