// Who gets through the upgrade, over raw TCP: every row of the table of Host, Origin, token and target
// variants that concerns it, each answering an incident named there.

import { readFileSync } from "node:fs";
import type { IPCServer, IPCServerOptions, TraceEvent } from "crosswire";
import { describe, expect, test } from "vitest";
import { RawSocket } from "../fixtures/raw-socket.ts";
import { type UpgradeOptions, upgrade, upgradeRequest } from "../fixtures/raw-websocket.ts";
import { until } from "../fixtures/wait.ts";
import { openServer } from "../public/pair.ts";

interface Case {
  readonly id: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly expect: string;
  readonly why: string;
}

const IPC_PATH = "/__crosswire/ipc";
const cases = JSON.parse(
  readFileSync(new URL("../fixtures/cases/origin-host-cases.json", import.meta.url), "utf8"),
) as Case[];

/** Rows of the other surfaces name them at the end of their id. */
const OTHER_SURFACE = / on (control-http-post|proxied-ws|proxied-http|inspector-page)$/;
const rows = cases.filter(({ id }) => !OTHER_SURFACE.test(id));
const posts = rows.filter(({ id }) => id.startsWith("simple cross-site POST"));
const upgrades = rows.filter((row) => !posts.includes(row));

interface Guarded {
  readonly server: IPCServer;
  /** What happened behind the gate. */
  readonly inside: string[];
}

async function openGuarded(options: IPCServerOptions = {}): Promise<Guarded> {
  const inside: string[] = [];
  const trace = ({ event }: TraceEvent): void => void inside.push(event);
  const server = await openServer({ ...options, trace });
  server.onClientConnect(({ clientId }) => void inside.push(clientId));
  return { server, inside };
}

/** What a row asks for, as an upgrade; its token is shown as our clients show theirs. */
function upgradeOf({ id, headers }: Case, server: IPCServer): UpgradeOptions {
  const filled = Object.entries(headers).map(([name, value]) => [name, fill(value, server)]);
  const {
    ":target": target = IPC_PATH,
    "X-Token": token,
    ...rest
  } = Object.fromEntries(filled) as Record<string, string>;
  if (id.startsWith("token in query")) {
    return { target: `${target}?token=${token}`, headers: { ...rest, Authorization: undefined } };
  }
  const authorization = token === undefined ? undefined : `Bearer ${token}`;
  return { target, headers: { ...rest, Authorization: authorization } };
}

function fill(text: string, server: IPCServer): string {
  return text
    .replaceAll("{port}", String(server.getPort()))
    .replaceAll("{token}", server.token)
    .replaceAll("{token:-1}", server.token.slice(0, -1));
}

function withToken({ target, headers }: UpgradeOptions, server: IPCServer): UpgradeOptions {
  return {
    target: target ?? IPC_PATH,
    headers: { ...headers, Authorization: `Bearer ${server.token}` },
  };
}

async function expectRefused(
  { server, inside }: Guarded,
  options: UpgradeOptions,
): Promise<number> {
  const { status, head, body } = await upgrade(server, options);
  expect(status).toBeGreaterThanOrEqual(400);
  expect(status).toBeLessThan(500);
  expect(head + body).not.toContain(server.token);
  expect(head + body).not.toContain("__crosswire");
  expect(head).not.toMatch(/^access-control-/im);
  expect(inside).toEqual([]);
  return status;
}

async function expectAccepted({ server }: Guarded, options: UpgradeOptions): Promise<void> {
  const { status, body } = await upgrade(server, options);
  expect({ status, body }).toEqual({ status: 101, body: "" });
  await until(() => server.clients().length === 1, "the client");
}

test("the table has the rows that this file means to drive", () => {
  const countOf = (verdict: string): number =>
    upgrades.filter((row) => row.expect === verdict).length;
  expect({
    allow: countOf("allow"),
    deny: countOf("deny"),
    unlessListed: countOf("deny unless listed"),
    tokenRequired: countOf("token-required"),
    all: upgrades.length,
  }).toEqual({ allow: 7, deny: 28, unlessListed: 2, tokenRequired: 1, all: 38 });
  expect(posts).toHaveLength(3);
});

describe("the gate lets in, with the token,", () => {
  test.each(upgrades.filter((row) => row.expect === "allow"))("$id", async (row) => {
    const guarded = await openGuarded();
    await expectAccepted(guarded, withToken(upgradeOf(row, guarded.server), guarded.server));
  });
});

describe("the gate refuses, also to those who have the token,", () => {
  const rest = upgrades.filter(
    (row) => row.expect.startsWith("deny") && !row.id.startsWith("token"),
  );

  test.each(rest)("$id", async (row) => {
    const guarded = await openGuarded();
    const asked = upgradeOf(row, guarded.server);
    expect(await expectRefused(guarded, asked)).not.toBe(401);
    expect(await expectRefused(guarded, withToken(asked, guarded.server))).not.toBe(401);
  });
});

describe("the gate lets in who is listed, and still asks for the token:", () => {
  test.each(upgrades.filter((row) => row.expect === "deny unless listed"))("$id", async (row) => {
    // The port of a listed origin is its own; ours is not known before the server listens.
    const origin = (row.headers["Origin"] ?? "").replace("{port}", "8443");
    const guarded = await openGuarded({ allowedOrigins: [origin] });
    const asked = { headers: { ...upgradeOf(row, guarded.server).headers, Origin: origin } };
    expect(await expectRefused(guarded, asked)).toBe(401);
    await expectAccepted(guarded, withToken(asked, guarded.server));
  });

  test("a host with its port", async () => {
    const guarded = await openGuarded({ allowedHosts: ["dev.example:8080"] });
    const headers = { Host: "dev.example:8080" };
    await expectRefused(guarded, { headers: { ...headers, Authorization: undefined } });
    await expectRefused(guarded, { headers: { Host: "dev.example:8081" } });
    await expectRefused(guarded, { headers: { Host: "dev.example" } });
    await expectAccepted(guarded, { headers });
  });

  test("a host without a port, which means ours", async () => {
    const guarded = await openGuarded({ allowedHosts: ["dev.example"] });
    await expectRefused(guarded, { headers: { Host: "dev.example:1" } });
    await expectAccepted(guarded, { headers: { Host: `dev.example:${guarded.server.getPort()}` } });
  });
});

describe("the gate asks for the token:", () => {
  test.each(upgrades.filter((row) => row.expect === "token-required"))("$id", async (row) => {
    const guarded = await openGuarded();
    const asked = upgradeOf(row, guarded.server);
    expect(await expectRefused(guarded, asked)).toBe(401);
    await expectAccepted(guarded, withToken(asked, guarded.server));
  });

  test.each(upgrades.filter(({ id }) => id.startsWith("token")))("$id", async (row) => {
    const guarded = await openGuarded();
    expect(await expectRefused(guarded, upgradeOf(row, guarded.server))).toBe(401);
  });

  test.each([
    { what: "with another scheme", value: (token: string) => `Basic ${token}` },
    { what: "without a scheme", value: (token: string) => token },
    { what: "with something behind it", value: (token: string) => `Bearer ${token} x` },
    { what: "twice in one header", value: (token: string) => `Bearer ${token}, Bearer ${token}` },
    { what: "in other letters", value: (token: string) => `Bearer ${token.toUpperCase()}` },
    { what: "with one letter more", value: (token: string) => `Bearer ${token}A` },
  ])("$what it is none", async ({ value }) => {
    const guarded = await openGuarded();
    const headers = { Authorization: value(guarded.server.token) };
    expect(await expectRefused(guarded, { headers })).toBe(401);
  });

  test("a wrong one beside the right one makes both useless", async () => {
    const guarded = await openGuarded();
    const headers = { Authorization: `Bearer ${guarded.server.token}\r\nAuthorization: Bearer x` };
    expect(await expectRefused(guarded, { headers })).toBe(401);
  });
});

describe("a page can do nothing by plain requests:", () => {
  test.each(posts)("$id", async ({ headers }) => {
    const { server, inside } = await openGuarded();
    const raw = await RawSocket.connect(server.getPort());
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${fill(value, server)}`);
    raw.write(`POST ${IPC_PATH} HTTP/1.1\r\n${lines.join("\r\n")}\r\nContent-Length: 2\r\n\r\n{}`);
    const { status, body } = await raw.answer();
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
    expect(body).not.toContain(server.token);
    expect(inside).toEqual([]);
  });

  test("an upgrade marked as cross-site is refused, even with the token", async () => {
    const guarded = await openGuarded();
    const headers = { "Sec-Fetch-Site": "cross-site" };
    expect(await expectRefused(guarded, { headers })).toBe(403);
  });

  test("an upgrade from a listed origin is let in, although it is cross-site", async () => {
    const guarded = await openGuarded({ allowedOrigins: ["http://localhost:3000"] });
    const headers = { Origin: "http://localhost:3000", "Sec-Fetch-Site": "cross-site" };
    await expectAccepted(guarded, { headers });
  });
});

test("what is asked after the gate has refused is not read any more", async () => {
  const { server, inside } = await openGuarded();
  const raw = await RawSocket.connect(server.getPort());
  const refused = upgradeRequest(server, { headers: { Origin: "http://evil.example" } });
  raw.write(refused + upgradeRequest(server));
  expect((await raw.answer()).status).toBe(403);
  await raw.closed();
  expect(raw.received.toString()).toBe("");
  expect(inside).toEqual([]);
});
