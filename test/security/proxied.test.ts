// Who gets through to what is proxied, over raw TCP: every row of the table of Host, Origin and target variants that
// concerns it, for createProxy and for setRouteProxyResolver.

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type HttpAnswer, RawSocket } from "../fixtures/raw-socket.ts";
import { type Listening, upgradeRequest } from "../fixtures/raw-websocket.ts";
import { echoOf, openApp } from "../proxy/apps.ts";
import { openProxy } from "../proxy/world.ts";
import { openServer } from "../public/pair.ts";

interface Case {
  readonly id: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly expect: string;
}

const cases = JSON.parse(
  readFileSync(new URL("../fixtures/cases/origin-host-cases.json", import.meta.url), "utf8"),
) as Case[];

const hosts = cases.filter(({ id }) => id.startsWith("host "));
const http = cases.filter(({ id }) => id.endsWith(" on proxied-http"));
const webSocket = cases.filter(({ id }) => id.endsWith(" on proxied-ws"));
const targets = cases.filter(({ id }) => id.startsWith("target "));

interface GuardOptions {
  readonly allowedHosts?: readonly string[];
  readonly allowedOrigins?: readonly string[];
}

interface Guarded extends Listening {
  /** How many requests and WebSockets came to the application. */
  reached(): number;
}

const TOKEN = "a-token-of-32-characters-or-more";

async function countingApp(): Promise<{ readonly url: string; reached(): number }> {
  let count = 0;
  const app = await openApp("app");
  app.server.on("request", () => count++);
  app.server.on("upgrade", () => count++);
  return { url: app.url, reached: () => count };
}

const FRONTS: Readonly<Record<string, (options?: GuardOptions) => Promise<Guarded>>> = {
  createProxy: async (options = {}) => {
    const { url, reached } = await countingApp();
    const { port } = await openProxy({ target: url, token: TOKEN, ...options });
    return { token: TOKEN, getPort: () => port, reached };
  },
  setRouteProxyResolver: async (options = {}) => {
    const { url, reached } = await countingApp();
    const server = await openServer({ ...options, token: TOKEN });
    server.setRouteProxyResolver(() => url);
    return { token: TOKEN, getPort: () => server.getPort(), reached };
  },
};

function fill(row: Case, { getPort }: Guarded): Record<string, string> {
  const filled = Object.entries(row.headers).map(([name, value]) => [
    name,
    value.replaceAll("{port}", String(getPort())),
  ]);
  return Object.fromEntries(filled) as Record<string, string>;
}

/** What our clients would show is not asked for here. */
const NO_TOKEN: Record<string, string | undefined> = { Authorization: undefined };

/** A request with exactly these headers. */
async function send(
  { getPort }: Guarded,
  headers: Readonly<Record<string, string>>,
  target = "/x",
): Promise<HttpAnswer> {
  const raw = await RawSocket.connect(getPort());
  const lines = Object.entries({ ...headers, Connection: "close" }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  raw.write(`GET ${target} HTTP/1.1\r\n${lines.join("")}\r\n`);
  return raw.answer();
}

async function sendUpgrade(
  guarded: Guarded,
  headers: Readonly<Record<string, string>>,
  target = "/x",
): Promise<HttpAnswer> {
  const raw = await RawSocket.connect(guarded.getPort());
  raw.write(
    upgradeRequest(guarded, {
      target,
      headers: { ...NO_TOKEN, ...headers },
    }),
  );
  return raw.answer();
}

function expectRefusal({ status, head, body }: HttpAnswer, guarded: Guarded): void {
  expect([400, 403]).toContain(status);
  expect(JSON.parse(body)).toMatchObject({ code: "XW_REFUSED" });
  expect(head).not.toMatch(/^access-control-/im);
  expect(guarded.reached()).toBe(0);
}

test("the table has the rows that this file means to drive", () => {
  expect([hosts.length, http.length, webSocket.length, targets.length]).toEqual([16, 15, 11, 3]);
});

describe.each(Object.entries(FRONTS))("%s", (_front, open) => {
  describe("lets through by Host", () => {
    test.each(hosts.filter((row) => row.expect === "allow"))("$id", async (row) => {
      const guarded = await open();
      const headers = fill(row, guarded);
      expect((await send(guarded, headers)).status).toBe(200);
      expect((await sendUpgrade(guarded, headers)).status).toBe(101);
      expect(guarded.reached()).toBe(2);
    });
  });

  describe("refuses by Host", () => {
    test.each(hosts.filter((row) => row.expect === "deny"))("$id", async (row) => {
      const guarded = await open();
      const headers = fill(row, guarded);
      expectRefusal(await send(guarded, headers), guarded);
      expectRefusal(await sendUpgrade(guarded, headers), guarded);
    });

    test("a request without any, or with two", async () => {
      const guarded = await open();
      expectRefusal(await send(guarded, {}), guarded);
      const host = `localhost:${guarded.getPort()}`;
      expectRefusal(await send(guarded, { Host: host, host }), guarded);
      expectRefusal(await sendUpgrade(guarded, { Host: host, host: "evil.example" }), guarded);
    });
  });

  // The browser keeps the answer from a foreign page unless the application allows it; nothing here does so.
  describe("passes plain requests on, whatever their Origin, and adds no CORS header", () => {
    test.each(http)("$id", async (row) => {
      const guarded = await open();
      const { status, head, body } = await send(guarded, fill(row, guarded));
      expect(status).toBe(200);
      expect(head).not.toMatch(/^access-control-/im);
      const { origin } = echoOf({ body }).headers;
      expect(origin).toBe(fill(row, guarded)["Origin"]);
    });
  });

  describe("opens WebSockets by Origin", () => {
    test.each(webSocket.filter((row) => row.expect === "allow"))("$id", async (row) => {
      const guarded = await open();
      expect((await sendUpgrade(guarded, fill(row, guarded))).status).toBe(101);
    });

    test("for programs, which send none", async () => {
      const guarded = await open();
      const Host = `127.0.0.1:${guarded.getPort()}`;
      expect((await sendUpgrade(guarded, { Host })).status).toBe(101);
    });
  });

  describe("refuses WebSockets by Origin", () => {
    test.each(webSocket.filter((row) => row.expect.startsWith("deny")))("$id", async (row) => {
      const guarded = await open();
      expectRefusal(await sendUpgrade(guarded, fill(row, guarded)), guarded);
    });
  });

  describe("opens them once the Origin is listed", () => {
    test.each(webSocket.filter((row) => row.expect === "deny unless listed"))(
      "$id",
      async (row) => {
        const guarded = await open({ allowedOrigins: [row.headers["Origin"] ?? ""] });
        expect((await sendUpgrade(guarded, fill(row, guarded))).status).toBe(101);
      },
    );
  });

  test("answers to listed hosts, with the port or without", async () => {
    const guarded = await open({ allowedHosts: ["dev.example", "tunnel.example:443"] });
    const port = guarded.getPort();
    for (const Host of [`dev.example:${port}`, "tunnel.example:443", `DEV.example:${port}`])
      expect((await send(guarded, { Host })).status).toBe(200);
    for (const Host of ["dev.example", `tunnel.example:${port}`, `x.dev.example:${port}`])
      expect((await send(guarded, { Host })).status).toBe(403);
    expect(
      (
        await sendUpgrade(guarded, {
          Host: `dev.example:${port}`,
          Origin: `http://dev.example:${port}`,
        })
      ).status,
    ).toBe(101);
  });

  describe("sends to the application and nowhere else", () => {
    test.each(targets)("$id", async (row) => {
      const guarded = await open();
      const { ":target": target = "", ...headers } = fill(row, guarded);
      expectRefusal(await sendUpgrade(guarded, headers, target), guarded);
      const { status, body } = await send(guarded, headers, target);
      // A path is passed on as it is, two slashes included; another authority is not.
      if (target.startsWith("/")) expect(echoOf({ body }).url).toBe(target);
      else expect([status, guarded.reached()]).toEqual([400, 0]);
    });

    test("a request whose target names the Host, by its path", async () => {
      const guarded = await open();
      const Host = `localhost:${guarded.getPort()}`;
      const { body } = await send(guarded, { Host }, `http://${Host}/a?b`);
      expect(echoOf({ body }).url).toBe("/a?b");
    });
  });
});

describe.each(Object.entries(FRONTS))("the token of a server with %s", (_name, open) => {
  async function forwarded(authorization: string): Promise<string | undefined> {
    const guarded = await open();
    const headers = { Host: `127.0.0.1:${guarded.getPort()}`, Authorization: authorization };
    const { body } = await send(guarded, headers);
    return echoOf({ body }).headers.authorization;
  }

  test.each([`Bearer ${TOKEN}`, `bearer ${TOKEN}`, `BEARER  ${TOKEN}`])(
    "is no business of the servers behind it: %s",
    async (authorization) => expect(await forwarded(authorization)).toBeUndefined(),
  );

  test.each(["Bearer another-token-of-the-user", "Basic dXNlcjpwYXNz", `Bearer ${TOKEN}x`])(
    "is not mistaken for a user's own: %s",
    async (authorization) => expect(await forwarded(authorization)).toBe(authorization),
  );
});

test("the resolver never gets the path of the server's own WebSockets", async () => {
  const guarded = await FRONTS["setRouteProxyResolver"]!();
  const Host = `127.0.0.1:${guarded.getPort()}`;
  for (const target of ["/__crosswire/ipc", "/__crosswire/ipc?x=1"]) {
    const { status } = await sendUpgrade(guarded, { Host }, target);
    expect([target, status, guarded.reached()]).toEqual([target, 401, 0]);
  }
});
