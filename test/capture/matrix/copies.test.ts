// Copies of undici that nobody could find by a name: bundled and minified, with agents of their own; and that each
// copy's functions are put back.

import { EventEmitter } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildSync } from "esbuild";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { openHttpOrigin } from "../../engine/http-origin.ts";
import { rejection } from "../../fixtures/wait.ts";
import { UNDICI_COPIES, type UndiciCopy } from "../clients.ts";
import { capture, NOWHERE, PASS, respond } from "../world.ts";

const load = createRequire(import.meta.url);
const folder = mkdtempSync(join(tmpdir(), "crosswire-matrix-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Its package's name, and its name among the copies. */
const PACKAGES = UNDICI_COPIES.map(([name]) => [name.replace(" ", ""), name] as const);

describe.each(PACKAGES)("a minified bundle with %s in it", (name) => {
  let bundle!: UndiciCopy;
  beforeAll(() => {
    const outfile = join(folder, `${name}.cjs`);
    buildSync({
      entryPoints: [load.resolve(name)],
      outfile,
      bundle: true,
      minify: true,
      platform: "node",
      format: "cjs",
      logLevel: "error",
    });
    const globals = globalThis as unknown as Record<symbol, unknown>;
    const key = Symbol.for("undici.globalDispatcher.1");
    const before = globals[key];
    bundle = load(outfile) as UndiciCopy;
    // Version 8 puts its own in the place of the one that fetch has.
    globals[key] = before;
  });

  test("is caught: its fetch, its request, and an agent, a pool and a client of its own", async () => {
    const origin = await openHttpOrigin((_, response) => response.end("real"));
    const { asked } = capture(({ url }) => (url.startsWith(NOWHERE) ? respond("answered") : PASS));
    for (const [url, end] of [
      [NOWHERE, "answered"],
      [origin.url, "real"],
    ] as const) {
      const own = [new bundle.Agent({}), new bundle.Pool(url, {}), new bundle.Client(url, {})];
      const settings = { origin: url, path: "/", method: "GET" } as const;
      expect(await (await bundle.fetch(url)).text()).toBe(end);
      expect(await (await bundle.request(url, settings)).body.text()).toBe(end);
      for (const dispatcher of own) {
        onTestFinished(() => dispatcher.destroy());
        expect(await (await dispatcher.request(settings)).body.text()).toBe(end);
      }
    }
    expect(asked).toHaveLength(10);
  });

  test("fails as it is told", async () => {
    capture(() => ({ kind: "error", code: "ECONNREFUSED" }));
    const settings = { path: "/", method: "GET" } as const;
    const error = await rejection(bundle.request(NOWHERE, settings));
    expect(error).toMatchObject({ code: "ECONNREFUSED" });
  });
});

/** Older ones do not speak to the handlers of every Node's fetch. */
const FOR_FETCH = UNDICI_COPIES.filter(([name]) => ["undici", "undici 8"].includes(name));
type WithGlobal = UndiciCopy & { setGlobalDispatcher(dispatcher: object): void };

test.each(FOR_FETCH)("fetch is caught where it sends by an agent of %s", async (_, copy) => {
  const origin = await openHttpOrigin((__, response) => response.end("real"));
  const globals = globalThis as unknown as Record<symbol, unknown>;
  const keys = [1, 2].map((version) => Symbol.for(`undici.globalDispatcher.${version}`));
  const before = keys.filter((key) => key in globals).map((key) => [key, globals[key]] as const);
  const agent = new copy.Agent({});
  onTestFinished(async () => {
    for (const [key, value] of before) globals[key] = value;
    await agent.destroy();
  });
  capture(({ url }) => (url.startsWith(NOWHERE) ? respond("answered") : PASS));
  (copy as WithGlobal).setGlobalDispatcher(agent);
  expect(await (await fetch(NOWHERE)).text()).toBe("answered");
  expect(await (await fetch(origin.url)).text()).toBe("real");
});

function functionsOf(copies: readonly UndiciCopy[]): unknown[] {
  const found: unknown[] = [];
  for (const { Agent, Pool, Client } of copies) {
    for (const { prototype } of [Agent, Pool, Client]) {
      let at = prototype as object;
      for (; at !== EventEmitter.prototype; at = Object.getPrototypeOf(at) as object) {
        for (const key of Reflect.ownKeys(at)) {
          const { value, get } = Object.getOwnPropertyDescriptor(at, key) ?? {};
          found.push(key, value, get);
        }
      }
    }
  }
  return found;
}

test("close() puts every function of every copy back", async () => {
  const copies = UNDICI_COPIES.map(([, copy]) => copy);
  const before = functionsOf(copies);
  const { close } = capture(() => respond("answered"));
  for (const { Client, Pool } of copies) {
    for (const made of [new Client(NOWHERE, {}), new Pool(NOWHERE, {})]) {
      const { body } = await made.request({ path: "/", method: "GET" });
      await body.text();
      await made.destroy();
    }
  }
  const during = functionsOf(copies).filter((value, i) => value !== before[i]);
  // The pool's and the client's of each copy.
  expect(during).toHaveLength(2 * copies.length);
  await close();
  const after = functionsOf(copies);
  expect(after.every((value, i) => value === before[i])).toBe(true);
  expect(after).toHaveLength(before.length);
});
