// A plain call of fetch is answered without undici. That nobody can tell is shown by the same call with a setting that
// changes nothing, which goes through undici.

import { inspect } from "node:util";
import { expect, onTestFinished, test, vi } from "vitest";
import type { Outcome } from "../../src/exchange/outcome.ts";
import type { CapturedRequest } from "../../src/capture/decision.ts";
import { openHttpOrigin } from "../engine/http-origin.ts";
import { capture, NOWHERE, PASS, respond, textOf } from "./world.ts";

/** Fetch does so without being told. */
const THROUGH_UNDICI: RequestInit = { redirect: "follow" };

type Call = readonly [what: string, url: string | URL, init?: RequestInit];

const CALLS: readonly Call[] = [
  ["an address", `${NOWHERE}/users/7`],
  ["a URL with a fragment", new URL(`${NOWHERE}/a b?q=ä#there`)],
  ["an address that is written carelessly", "HTTP://NoWhere.invalid:80/./x/../y"],
  ["a host of this machine", "http://127.0.0.1:1024/x"],
  ["a secure host", "https://nowhere.invalid/x"],
  ["headers in an object", NOWHERE, { headers: { "X-One": "1", accept: "text/html" } }],
  ["headers in pairs", NOWHERE, { headers: [...["a", "b"].map((value) => ["x", value])] as never }],
  ["headers in Headers", NOWHERE, { headers: new Headers({ "user-agent": "me", cookie: "a=1" }) }],
  ["text", NOWHERE, { method: "POST", body: "grün \ud800" }],
  ["text of a type", NOWHERE, { method: "PUT", body: "{}", headers: { "content-type": "a/b" } }],
  ["bytes", NOWHERE, { method: "PATCH", body: Uint8Array.of(1, 2, 255) }],
  ["a form", NOWHERE, { method: "POST", body: new URLSearchParams({ a: "1", b: "ü&" }) }],
  ["no body where there could be one", NOWHERE, { method: "POST", body: null }],
  ["an empty body", NOWHERE, { method: "POST", body: "" }],
  ["another method", NOWHERE, { method: "DELETE" }],
  ["a method in small letters", NOWHERE, { method: "post", body: "x" }],
  ["no settings at all", NOWHERE, null as never],
];

async function seen(url: string | URL, init: RequestInit | undefined): Promise<unknown> {
  const questions: unknown[] = [];
  const { close } = capture(async (request) => {
    questions.push(await described(request));
    return respond("answered");
  });
  // The first one of a process makes Node load undici.
  await fetch("data:,").catch(() => {});
  await (await fetch(url, init)).text();
  await close();
  return questions;
}

async function described(request: CapturedRequest): Promise<unknown> {
  const { method, url, client, bodyLength } = request;
  const headers = [...new Headers(request.headers as [string, string][])];
  return { method, url, client, headers, bodyLength, body: await textOf(request.body()) };
}

const calls = CALLS.map(([what, url, init]) => ({ what, url, init }));

test.each(calls)("who decides is told the same of $what", async ({ url, init }) => {
  const plain = await seen(url, init);
  expect(plain).toHaveLength(1);
  expect(plain).toEqual(await seen(url, Object.assign({}, init, THROUGH_UNDICI)));
});

type Given = readonly [what: string, answer: Outcome, method?: string];

const ANSWERS: readonly Given[] = [
  ["text", respond("hello", [["content-type", "text/plain"]])],
  ["nothing", respond(undefined)],
  ["an empty body", respond("")],
  ["204", respond(undefined, [], 204)],
  ["304", respond(undefined, [["etag", '"1"']], 304)],
  ["HEAD", respond("hello", [["content-length", "5"]]), "HEAD"],
  ["an unusual status", { ...respond("x", [], 599), statusText: "Why not" }],
  [
    "fields of one name",
    respond(
      "x",
      [1, 2].map((n): [string, string] => ["set-cookie", `n=${n}`]),
    ),
  ],
];

async function outcome(response: Response): Promise<unknown> {
  const copy = response.clone();
  const { status, statusText, ok, type, url, redirected } = response;
  const change = (): void => response.headers.set("x", "1");
  expect(change).toThrow(new TypeError("immutable"));
  expect(() => copy.headers.append("x", "1")).toThrow(new TypeError("immutable"));
  return {
    ...{ status, statusText, ok, type, url, redirected },
    copy: { url: copy.url, type: copy.type, status: copy.status, text: await copy.text() },
    headers: [...response.headers],
    cookies: response.headers.getSetCookie(),
    body: response.body?.constructor.name,
    text: await response.text(),
    isUsed: response.bodyUsed,
    name: inspect(response).split(" ")[0],
    isResponse: response instanceof Response && response.constructor === Response,
    again: new Response(null, response).status,
  };
}

const answers = ANSWERS.map(([what, answer, method = "GET"]) => ({ what, answer, method }));

test.each(answers)("the Response is as any other: $what", async ({ answer, method }) => {
  capture(() => answer);
  const url = `${NOWHERE}/x#there`;
  await fetch(url);
  const plain = await outcome(await fetch(url, { method }));
  expect(plain).toEqual(await outcome(await fetch(url, { method, ...THROUGH_UNDICI })));
});

test("a plain call that is answered is sent by no dispatcher, and every other one is", async () => {
  capture(() => respond("answered"));
  await fetch(NOWHERE);
  const agent = Reflect.get(globalThis, Symbol.for("undici.globalDispatcher.1")) as object;
  const dispatch = vi.spyOn(classOf(agent), "dispatch");
  onTestFinished(() => dispatch.mockRestore());
  await (await fetch(NOWHERE)).text();
  expect(dispatch).not.toHaveBeenCalled();
  await (await fetch(NOWHERE, THROUGH_UNDICI)).text();
  expect(dispatch).toHaveBeenCalled();
});

/** Where it has its method from. */
function classOf(agent: object): { dispatch: () => unknown } {
  let at = Object.getPrototypeOf(agent) as object;
  while (!Object.hasOwn(at, "dispatch")) at = Object.getPrototypeOf(at) as object;
  return at as { dispatch: () => unknown };
}

test("what changes after the call is nothing to it, answered or sent", async () => {
  const origin = await openHttpOrigin((request, response) => {
    void textOf(request).then((body) => response.end(`${String(request.headers["x-a"])} ${body}`));
  });
  const echo = async (request: CapturedRequest): Promise<Outcome> => {
    const [, own] = request.headers.find(([name]) => name === "x-a") ?? [];
    if (request.url.startsWith(origin.url)) return PASS;
    return respond(`${String(own)} ${await textOf(request.body())}`);
  };
  capture(echo);
  await fetch(NOWHERE, { headers: { "x-a": "first" } });
  for (const url of [NOWHERE, origin.url]) {
    const headers = new Headers({ "x-a": "before" });
    const body = Buffer.from("before");
    const answered = fetch(url, { method: "POST", headers, body });
    headers.set("x-a", "after");
    body.write("after!");
    expect(await (await answered).text()).toBe("before before");
  }
});

test("a client may do with the body of an answer what it likes", async () => {
  const bytes = Buffer.from("answered");
  capture(() => respond(bytes));
  await fetch(NOWHERE);
  const first = new Uint8Array(await (await fetch(NOWHERE)).arrayBuffer());
  first.fill(0);
  expect(await (await fetch(NOWHERE)).text()).toBe("answered");
  expect(bytes.toString()).toBe("answered");
});

test("what fetch refuses, it refuses by itself", async () => {
  const { asked } = capture(() => respond("answered"));
  const refused: readonly (readonly [string, RequestInit?])[] = [
    ["/relative"],
    ["http://user:secret@nowhere.invalid/"],
    [NOWHERE, { headers: { "a b": "1" } }],
    [NOWHERE, { method: "GET", body: "x" }],
    [NOWHERE, { method: "TRACE" }],
    ["http://nowhere.invalid:22/"],
    ["http://nowhere.invalid:6667/"],
  ];
  for (const [url, init] of refused) await expect(fetch(url, init)).rejects.toThrow(TypeError);
  expect(asked).toEqual([]);
});

test("fetch that is somebody else's is not touched", async () => {
  const native = globalThis.fetch;
  const other: typeof fetch = async () => new Response("theirs");
  globalThis.fetch = other;
  onTestFinished(() => void (globalThis.fetch = native));
  const { close } = capture(() => respond("answered"));
  expect(globalThis.fetch).toBe(other);
  await close();
  expect(globalThis.fetch).toBe(other);
});
