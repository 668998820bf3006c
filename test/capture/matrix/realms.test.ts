// Test runners run what they test in another realm, with globals of its own, and hand it Node's modules and fetch.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import vm from "node:vm";
import { request as send } from "undici";
import { expect, test } from "vitest";
import type { Outcome } from "../../../src/exchange/outcome.ts";
import { openHttpOrigin } from "../../engine/http-origin.ts";
import { capture, NOWHERE, PASS, respond, textOf } from "../world.ts";

const load = createRequire(import.meta.url);

type Require = (name: string) => unknown;
interface Realm {
  readonly context: vm.Context;
  /** Loads files of packages in the realm, as Jest does; Node's own modules are shared. */
  readonly require: Require;
}

const SHARED = [
  ["fetch", "Request", "Response", "Headers", "FormData", "Blob", "File", "URL", "URLSearchParams"],
  ["AbortController", "AbortSignal", "Event", "EventTarget", "DOMException", "MessageChannel"],
  ["ReadableStream", "TransformStream", "WritableStream", "TextEncoder", "TextDecoder"],
  ["process", "Buffer", "performance", "queueMicrotask", "structuredClone", "WebAssembly"],
  ["setTimeout", "clearTimeout", "setInterval", "clearInterval"],
  ["setImmediate", "clearImmediate"],
].flat();

function openRealm(handed: object = {}): Realm {
  const shared = SHARED.map((name) => [name, Reflect.get(globalThis, name) as unknown]);
  const context = vm.createContext({ ...Object.fromEntries(shared), ...handed });
  context["global"] = context;
  const loaded = new Map<string, { exports: unknown }>();
  const requireFrom =
    (from: string): Require =>
    (name) => {
      const file = createRequire(from).resolve(name);
      if (!file.startsWith("/") && !/^[A-Z]:/i.test(file)) return load(file) as unknown;
      const known = loaded.get(file);
      if (known !== undefined) return known.exports;
      const module = { exports: {} as unknown };
      loaded.set(file, module);
      const source = readFileSync(file, "utf8");
      if (file.endsWith(".json")) return (module.exports = JSON.parse(source) as unknown);
      const params = ["module", "exports", "require", "__filename", "__dirname"];
      const options = { parsingContext: context, filename: file };
      const run = vm.compileFunction(source, params, options) as (...args: unknown[]) => void;
      run(module, module.exports, requireFrom(file), file, dirname(file));
      return module.exports;
    };
  const require = requireFrom(import.meta.filename);
  Object.assign(context, { require });
  return { context, require };
}

const decide = ({ url }: { url: string }): Outcome =>
  url.startsWith(NOWHERE) ? respond("answered") : PASS;

test("http, https and fetch that were handed to another realm are caught", async () => {
  const origin = await openHttpOrigin((_, response) => response.end("real"));
  const { asked } = capture(decide);
  const { context } = openRealm({ urls: [NOWHERE, origin.url] });
  const script = `
    const { get } = require("http");
    const viaHttp = (url) => new Promise((resolve, reject) => {
      get(url, (response) => {
        let text = "";
        response.on("data", (piece) => (text += piece)).on("end", () => resolve(text));
      }).on("error", reject);
    });
    (async () => {
      const ends = [];
      for (const url of urls) ends.push(await viaHttp(url), await (await fetch(url)).text());
      return ends;
    })()`;
  const ends = (await vm.runInContext(script, context)) as unknown[];
  expect([...ends]).toEqual(["answered", "answered", "real", "real"]);
  expect(asked).toHaveLength(4);
});

test("clients that were loaded in another realm are caught, and fail there as elsewhere", async () => {
  const origin = await openHttpOrigin((_, response) => response.end("real"));
  const { asked } = capture(({ url }) =>
    url.endsWith("/dead") ? { kind: "error", code: "ECONNREFUSED" } : decide({ url }),
  );
  const { context } = openRealm({ urls: [NOWHERE, origin.url], dead: `${NOWHERE}/dead` });
  const script = `
    const { Agent, request } = require("undici6");
    (async () => {
      const ends = [];
      const dispatcher = new Agent();
      for (const url of urls) {
        ends.push(await (await request(url, { dispatcher })).body.text());
      }
      await request(dead, { dispatcher }).catch(({ code }) => ends.push(code));
      await dispatcher.close();
      return ends;
    })()`;
  const ends = (await vm.runInContext(script, context)) as unknown[];
  expect([...ends]).toEqual(["answered", "real", "ECONNREFUSED"]);
  expect(asked).toHaveLength(3);
});

test("a decision that was made in another realm counts, with its promise and its bytes", async () => {
  const { context } = openRealm();
  const foreign = vm.runInContext(
    `async () => ({
      kind: "respond",
      status: 201,
      headers: [["x-a", "1"]],
      body: Uint8Array.from([111, 107]),
    })`,
    context,
  ) as () => Promise<Outcome>;
  capture(foreign);
  const response = await fetch(NOWHERE);
  expect([response.status, response.headers.get("x-a"), await response.text()]).toEqual([
    201,
    "1",
    "ok",
  ]);
});

test("a body of another realm is sent, and read, whole", async () => {
  const origin = await openHttpOrigin((request, response) => void request.pipe(response));
  capture(async ({ url, body }) =>
    url.startsWith(NOWHERE) ? respond(await textOf(body())) : PASS,
  );
  const { context } = openRealm({ urls: [NOWHERE, origin.url], send });
  const script = `
    (async () => {
      const ends = [];
      const body = Uint8Array.from([111, 107]);
      for (const url of urls) {
        ends.push(await (await fetch(url, { method: "POST", body })).text());
        ends.push(await (await send(url, { method: "POST", body })).body.text());
      }
      return ends;
    })()`;
  const ends = (await vm.runInContext(script, context)) as unknown[];
  expect([...ends]).toEqual(["ok", "ok", "ok", "ok"]);
});
