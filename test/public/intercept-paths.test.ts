// SECURITY: what a client writes into a path never makes a parameter usable as a path, and never ends the server.

import type { IPCServer } from "crosswire";
import { expect, test } from "vitest";
import { RawSocket } from "../fixtures/raw-socket.ts";
import { ask } from "./intercept-ask.ts";
import { openServer } from "./pair.ts";

interface Watched {
  readonly server: IPCServer;
  readonly params: Record<string, string>[];
}

async function openWatched(): Promise<Watched> {
  const server = await openServer();
  const params: Record<string, string>[] = [];
  server.interceptHttp("GET", "/users/:id", (_body, pathParams) => void params.push(pathParams));
  server.interceptHttp("GET", "/files/*", (_body, pathParams) => void params.push(pathParams));
  server.interceptHttp("GET", "/safe/:a-:b", (_body, pathParams) => void params.push(pathParams));
  return { server, params };
}

/** Asks with the very bytes of the path, which clients would tidy up. */
async function askRaw(
  server: IPCServer,
  path: string | Buffer,
): Promise<{ status: number; json: unknown }> {
  const raw = await RawSocket.connect(server.getPort());
  const tail = ` HTTP/1.1\r\nHost: 127.0.0.1:${server.getPort()}\r\n\r\n`;
  raw.write(Buffer.concat([Buffer.from("GET "), Buffer.from(path), Buffer.from(tail)]));
  const { status, body } = await raw.answer();
  return { status, json: body === "" ? undefined : JSON.parse(body) };
}

test.each([
  "/users/..",
  "/users/.",
  "/users/%2e%2e",
  "/users/.%2E",
  "/users/%2e",
  "/users/..%2f..",
  "/users/..%2F..%2Fetc%2Fpasswd",
  "/users/a%2f..%2fb",
  "/users/..%5c..",
  "/users/%2e%2e%5Cx",
  "/users/..\\..",
  "/users/a\\b",
  "/users/%252e%252e",
  "/users/%25252e.",
  "/users/..%252f..",
  "/files/..",
  "/files/a/../b",
  "/files/../users/7",
  "/files/./a",
  "/files/a/%2e%2e/b",
  "/files/a/..",
  "/files/a/..?x",
])("%s is answered with 400 where an intercept would get it", async (path) => {
  const { server, params } = await openWatched();
  const { status, json } = await askRaw(server, path);
  expect(status).toBe(400);
  expect(json).toMatchObject({
    code: "XW_REFUSED",
    error: expect.stringMatching(/path/) as string,
  });
  expect(params).toEqual([]);
});

test.each([
  "/users/%zz",
  "/users/%",
  "/users/%c3",
  "/users/%c3%28",
  "/users/%e0%80%af",
  "/files/a/%2",
  "/users/%ff",
])("%s has an escape that cannot be decoded, which is a 400", async (path) => {
  const { server, params } = await openWatched();
  expect(await askRaw(server, path)).toEqual({
    status: 400,
    json: {
      error: "The request is not answered: an escape in its path cannot be decoded.",
      code: "XW_REFUSED",
    },
  });
  expect(params).toEqual([]);
});

test.each(["/other/..%2f..", "/other/%zz", "/other\\x", "/../x", "/users/a/../b"])(
  "%s is nobody's, so it is left to whoever is asked next",
  async (path) => {
    const { server } = await openWatched();
    expect((await askRaw(server, path)).status).toBe(404);
  },
);

test.each([
  { path: "/users/a%2fb", param: "a%2Fb" },
  { path: "/users/a%5Cb", param: "a%5Cb" },
  { path: "/users/a%2f%2fb", param: "a%2F%2Fb" },
  { path: "/users/%2f", param: "%2F" },
  { path: "/users/a%252fb", param: "a%2fb" },
  { path: "/users/...", param: "..." },
  { path: "/users/a..b", param: "a..b" },
  { path: "/users/.hidden", param: ".hidden" },
  { path: "/users/..a", param: "..a" },
  { path: "/users/%2ea", param: ".a" },
  { path: "/users/%3f%23%26%3d%2b%25", param: "?#&=+%" },
  { path: "/users/%E2%82%AC", param: "€" },
  { path: "/users/a;b=c", param: "a;b=c" },
  { path: "/users/%00", param: "\0" },
  { path: "/users/a%0d%0ab", param: "a\r\nb" },
  { path: "/users/7?next=../../x%zz", param: "7" },
])("$path is answered, its parameter is $param", async ({ path, param }) => {
  const { server, params } = await openWatched();
  expect((await askRaw(server, path)).status).toBe(200);
  expect(params).toEqual([{ id: param }]);
  expect(params[0]?.["id"]).not.toMatch(/[/\\]/);
});

test("bytes beyond ASCII are refused, as Node's parser wants them escaped", async () => {
  const { server, params } = await openWatched();
  expect((await askRaw(server, Buffer.from("/users/é"))).status).toBe(400);
  expect(params).toEqual([]);
});

test("a wildcard keeps the slashes of the path, and no others", async () => {
  const { server, params } = await openWatched();
  expect((await askRaw(server, "/files/a/b%2fc//d")).status).toBe(200);
  expect(params).toEqual([{ "*": "a/b%2Fc//d" }]);
});

test("line breaks of a parameter cannot be injected as a header", async () => {
  const server = await openServer();
  server.interceptHttp(
    "GET",
    "/:to",
    (_body, { to }) => new Response("", { headers: { location: to } }),
  );
  const { status, json } = await askRaw(server, "/a%0d%0aSet-Cookie:%20evil=1");
  expect(status).toBe(500);
  expect(json).toHaveProperty("error");
});

test("a parameter may be as long as most heads are, and a longer one is refused with a reason", async () => {
  const { server, params } = await openWatched();
  expect((await askRaw(server, `/users/${"a".repeat(2_048)}`)).status).toBe(200);
  expect(params).toHaveLength(1);
  expect(await askRaw(server, `/users/${"a".repeat(2_049)}`)).toMatchObject({
    status: 414,
    json: { error: "A parameter in the path is longer than 2048 characters." },
  });
  expect((await askRaw(server, `/files/${"a".repeat(20_000)}`)).status).toBe(200);
});

test("a parameter that is too long for one intercept is taken by another that has no bound", async () => {
  const server = await openServer();
  server.interceptHttp("GET", "/:id", () => "short");
  server.interceptHttp("*", "/*", () => "any");
  expect((await askRaw(server, `/${"a".repeat(3_000)}`)).json).toBe("any");
});

test.each([
  { what: "escaped percent signs", path: `/users/${"%25".repeat(10_000)}` },
  { what: "one percent sign and digits", path: `/users/%${"25".repeat(15_000)}` },
  { what: "dots", path: `/files/${".".repeat(30_000)}` },
  { what: "dots between slashes", path: `/files/${"/...".repeat(7_000)}` },
  { what: "dashes", path: `/safe/${"-".repeat(30_000)}` },
  { what: "slashes", path: `/files/${"/".repeat(30_000)}` },
])("a head full of $what is answered at once", async ({ path }) => {
  const { server } = await openWatched();
  await askRaw(server, "/users/warm");
  const begun = performance.now();
  const { status } = await askRaw(server, path);
  expect(performance.now() - begun).toBeLessThan(1_500);
  expect(status).toBeLessThan(500);
});

test("a request from a foreign Host reaches no intercept", async () => {
  const { server, params } = await openWatched();
  const { status } = await ask(server, "/users/7", { headers: { host: "evil.example" } });
  expect(status).toBe(403);
  expect(params).toEqual([]);
});

test("200 random paths are answered, and none ends the server", async () => {
  const { server, params } = await openWatched();
  const parts = [
    "/",
    ".",
    "..",
    "%2e",
    "%2f",
    "%5c",
    "%",
    "%zz",
    "%25",
    "a",
    "users",
    "files",
    "?",
    "%c3",
    "%a9",
    ";",
    "\\",
    ":",
    "*",
  ];
  let seed = 7;
  const pick = (): string =>
    parts[(seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) % parts.length] ?? "";
  for (let n = 0; n < 200; n++) {
    const path = `/${n % 2 ? "users" : "files"}/${Array.from({ length: n % 9 }, pick).join("")}`;
    const { status } = await askRaw(server, path);
    if (![200, 400, 404].includes(status)) throw new Error(`${path} was answered with ${status}.`);
  }
  expect(params.length).toBeGreaterThan(20);
  for (const { id, "*": rest = "" } of params) {
    expect(id ?? "").not.toMatch(/[/\\]/);
    expect(rest).not.toMatch(/\\/);
    for (const segment of (id ?? rest).split(/[/\\]|%2f|%5c/i))
      expect(segment).not.toMatch(/^(\.|%2e){1,2}$/i);
  }
});
