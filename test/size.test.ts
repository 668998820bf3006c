// What a user of the package gets: its exports, what it needs, and how large it is. A change here is meant.

import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const KIB = 1024;

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly exports: object;
  readonly files: readonly string[];
}

const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as Manifest;

test("the root exports these values and no others", async () => {
  expect(Object.keys(await import("crosswire")).sort()).toEqual([
    "CrosswireError",
    "DEFAULT_LIMITS",
    "ERROR_TEXT",
    "IPCClient",
    "IPCServer",
    "IPCSocket",
    "createMemoryPair",
    "createPortTransport",
    "isCrosswireError",
  ]);
});

test("crosswire/http exports these values and no others", async () => {
  expect(Object.keys(await import("crosswire/http")).sort()).toEqual([
    "createEngine",
    "createProxy",
    "defineRoute",
    "loadMicrofrontends",
    "parseTarget",
    "statusOf",
  ]);
});

test("crosswire/discovery exports these values and no others", async () => {
  expect(Object.keys(await import("crosswire/discovery")).sort()).toEqual([
    "DiscoveryClient",
    "DiscoveryIPC",
    "DiscoveryServer",
    "PortElector",
    "joinDiscovery",
  ]);
});

test("crosswire/cpri exports these values and no others", async () => {
  expect(Object.keys(await import("crosswire/cpri")).sort()).toEqual([
    "CpriIPC",
    "HttpResponse",
    "delay",
    "http",
    "networkError",
    "passthrough",
    "setupRemoteServer",
    "setupServer",
    "ws",
  ]);
});

test("crosswire/testkit exports these values and no others", async () => {
  expect(Object.keys(await import("crosswire/testkit")).sort()).toEqual([
    "ConfigIPC",
    "ConfigStore",
    "TestableIPC",
    "chaosProxyFixture",
    "createChaosProxy",
    "createRunner",
    "remoteContextFixture",
    "runWorker",
    "runnerFixture",
  ]);
});

test("the package has these entry points and no others", () => {
  expect(Object.keys(manifest.exports)).toEqual([
    ".",
    "./http",
    "./discovery",
    "./cpri",
    "./register",
    "./msw",
    "./testkit",
    "./package.json",
  ]);
});

test("the sources import exactly the packages that are dependencies", () => {
  const imported = filesIn("src", ".ts").flatMap((file) => {
    const text = readFileSync(file, "utf8");
    return [...text.matchAll(/^(?:import|export) [^;]*?from "([^".][^"]*)"/gm)].map(
      ([, name = ""]) => name,
    );
  });
  const packages = new Set(imported.filter((name) => !name.startsWith("node:")));
  expect([...packages].sort()).toEqual(Object.keys(manifest.dependencies).sort());
});

test.each(Object.keys(manifest.dependencies))("%s accepts the oldest Node that we do", (name) => {
  const file = join(ROOT, "node_modules", name, "package.json");
  const { engines } = JSON.parse(readFileSync(file, "utf8")) as { engines: { node: string } };
  expect(Number(/^>=(\d+)/.exec(engines.node)?.[1])).toBeLessThanOrEqual(20);
});

test("the built code stays below 1,000 KiB, comments included", () => {
  const bytes = filesIn("dist", ".js").reduce((sum, file) => sum + readFileSync(file).length, 0);
  expect(bytes).toBeGreaterThan(200 * KIB);
  expect(bytes).toBeLessThan(1_000 * KIB);
});

test.each([
  ["import", 'const { IPCServer } = await import("crosswire"); console.log(typeof IPCServer)'],
  ["require", 'console.log(typeof require("crosswire").IPCServer)'],
])("a process that only loads the package by %s ends by itself", async (way, script) => {
  const type = way === "import" ? "module" : "commonjs";
  const args = [`--input-type=${type}`, "--eval", script];
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    cwd: ROOT,
    timeout: 10_000,
  });
  expect(stdout.trim()).toBe("function");
});

/** Throws with the path when the folder is not there: `npm run build` makes dist. */
function filesIn(folder: string, ending: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(ending))
    .map((name) => join(ROOT, folder, name));
}
