// The HTTP side of an upgrade under attack: ambiguous heads, hidden headers, smuggled requests, slow and
// idle senders, and a web page that knows the port.

import { type IPCServer, IPCServer as Server } from "crosswire";
import { describe, expect, onTestFinished, test } from "vitest";
import { RawSocket } from "../fixtures/raw-socket.ts";
import { RawWebSocket, upgrade, upgradeRequest } from "../fixtures/raw-websocket.ts";
import { until, within } from "../fixtures/wait.ts";
import { openClient, openServer } from "../public/pair.ts";

const echo = Server.defineRequest<number, number>("upgrade/echo");

async function openCounted(limits = {}): Promise<{ server: IPCServer; entered: () => number }> {
  const server = await openServer({ limits });
  let count = 0;
  server.onClientConnect(() => void count++);
  server.onFrameworkMessage(echo, (number) => number);
  return { server, entered: () => count };
}

/** The upgrade text with more lines before the empty one that ends its head. */
function withLines(server: IPCServer, lines: string, body = ""): string {
  return `${upgradeRequest(server).slice(0, -2)}${lines}\r\n${body}`;
}

async function statusOf(server: IPCServer, request: string): Promise<number> {
  const raw = await RawSocket.connect(server.getPort());
  raw.write(request);
  // Only the head: an answer to HEAD has no body.
  await until(() => raw.received.includes("\r\n\r\n") || raw.isClosed, "a head");
  return Number(/^HTTP\/1\.1 (\d{3}) /.exec(raw.received.toString())?.[1]);
}

async function expectService(server: IPCServer): Promise<void> {
  const client = await openClient(server);
  expect(await client.sendFrameworkRequest(echo, 5)).toBe(5);
}

describe("an ambiguous head is refused", () => {
  test.each([
    { what: "two Host headers", lines: () => "Host: evil.example\r\n" },
    {
      what: "the same Host twice",
      lines: (server: IPCServer) => `Host: 127.0.0.1:${server.getPort()}\r\n`,
    },
    { what: "a second Host in other letters", lines: () => "hOST: evil.example\r\n" },
    { what: "two Origins of which one is ours", lines: bothOrigins },
    { what: "a second Authorization", lines: () => "Authorization: Bearer x\r\n" },
    { what: "a folded header", lines: () => "X-A: 1\r\n folded\r\n" },
    { what: "a space before the colon", lines: () => "Transfer-Encoding : chunked\r\n" },
    { what: "a header without a name", lines: () => ": x\r\n" },
    { what: "a NUL in a value", lines: () => "X-A: a\u0000b\r\n" },
    { what: "a bare line feed in a value", lines: () => "X-A: a\nHost: evil.example\r\n" },
    { what: "a bare carriage return in a value", lines: () => "X-A: a\rHost: evil.example\r\n" },
  ])("with $what", async ({ lines }) => {
    const { server, entered } = await openCounted();
    const status = await statusOf(server, withLines(server, lines(server)));
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
    await expectService(server);
    expect(entered()).toBe(1);
  });

  test("without any Host", async () => {
    const { server, entered } = await openCounted();
    const { status } = await upgrade(server, { headers: { Host: undefined } });
    expect(status).toBe(400);
    expect(entered()).toBe(0);
  });
});

describe("behind 2,100 tiny headers nothing is hidden:", () => {
  const many = Array.from({ length: 2_100 }, (_, i) => `${(i % 36).toString(36)}:\r\n`).join("");

  test("a foreign Origin is seen", async () => {
    const { server, entered } = await openCounted();
    const request = withLines(server, `${many}Origin: http://evil.example\r\n`);
    expect(await statusOf(server, request)).toBe(403);
    expect(entered()).toBe(0);
  });

  test("a second Host is seen", async () => {
    const { server } = await openCounted();
    expect(await statusOf(server, withLines(server, `${many}Host: evil.example\r\n`))).toBe(400);
  });

  test("a body is seen", async () => {
    const { server, entered } = await openCounted();
    const body = "GET / HTTP/1.1\r\n\r\n";
    const lines = `${many}Content-Length: ${body.length}\r\n`;
    expect(await statusOf(server, withLines(server, lines, body))).toBe(400);
    expect(entered()).toBe(0);
  });

  test("an upgrade without a fault is accepted", async () => {
    const { server } = await openCounted();
    expect(await statusOf(server, withLines(server, many))).toBe(101);
  });
});

test("a head that is too large is refused, whatever it holds", async () => {
  const { server } = await openCounted();
  const status = await statusOf(server, withLines(server, `X-Large: ${"x".repeat(40_000)}\r\n`));
  expect(status).toBeGreaterThanOrEqual(400);
  expect(status).toBeLessThan(500);
  await expectService(server);
});

describe("an upgrade that carries a body is refused, so that nobody reads the body as something else:", () => {
  const smuggled = "GET /__crosswire/ipc HTTP/1.1\r\nHost: x\r\n\r\n";

  test.each([
    { what: "by Content-Length", lines: `Content-Length: ${smuggled.length}\r\n` },
    { what: "by chunks", lines: "Transfer-Encoding: chunked\r\n" },
    { what: "by both", lines: "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n" },
    { what: "by an empty encoding", lines: "Transfer-Encoding:\r\nContent-Length: 5\r\n" },
    { what: "by an unknown encoding", lines: "Transfer-Encoding: xchunked\r\n" },
    { what: "by two lengths", lines: "Content-Length: 5\r\nContent-Length: 6\r\n" },
    { what: "by a signed length", lines: "Content-Length: +5\r\n" },
  ])("$what", async ({ lines }) => {
    const { server, entered } = await openCounted();
    const body = `2b\r\n${smuggled}\r\n0\r\n\r\n`;
    expect(await statusOf(server, withLines(server, lines, body))).toBe(400);
    await expectService(server);
    expect(entered()).toBe(1);
  });
});

test.each([
  { what: "another protocol", headers: { Upgrade: "h2c" } },
  { what: "no key", headers: { "Sec-WebSocket-Key": undefined } },
  { what: "a key of a wrong length", headers: { "Sec-WebSocket-Key": "dG9vIHNob3J0" } },
  { what: "another version", headers: { "Sec-WebSocket-Version": "7" } },
])("an upgrade to $what is refused", async ({ headers }) => {
  const { server, entered } = await openCounted();
  const { status } = await upgrade(server, { headers });
  expect(status).toBeGreaterThanOrEqual(400);
  expect(status).toBeLessThan(500);
  expect(entered()).toBe(0);
});

test.each(["POST", "PUT", "OPTIONS", "HEAD", "DELETE"])(
  "an upgrade by %s is refused",
  async (method) => {
    const { server, entered } = await openCounted();
    const status = await statusOf(server, upgradeRequest(server).replace("GET", method));
    expect(status).toBeGreaterThanOrEqual(400);
    expect(entered()).toBe(0);
  },
);

test("a CONNECT gets no tunnel", async () => {
  const { server } = await openCounted();
  const raw = await RawSocket.connect(server.getPort());
  raw.write(`CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:${server.getPort()}\r\n\r\n`);
  await raw.closed();
  expect(raw.received.toString()).not.toMatch(/^HTTP\/1\.1 2/);
  await expectService(server);
});

test.each([
  "/",
  "/__crosswire/ipc/",
  "/__crosswire/ipcx",
  "/__crosswire",
  "/__crosswire/IPC",
  "/__crosswire/%69pc",
  "/x/../__crosswire/ipc",
  "/./__crosswire/ipc",
  "/__crosswire//ipc",
  "/__crosswire/ipc;x",
  "/__crosswire/ipc%00",
  "/__crosswire/ipc#x",
  "*",
  "__crosswire/ipc",
])("an upgrade of the target %j is refused, for it is not the path", async (target) => {
  const { server, entered } = await openCounted();
  const { status } = await upgrade(server, { target });
  expect(status).toBeGreaterThanOrEqual(400);
  expect(status).toBeLessThan(500);
  expect(entered()).toBe(0);
});

test.each([
  { what: "is empty", runtimeId: "" },
  { what: "holds a NUL", runtimeId: "%00" },
  { what: "holds a line break", runtimeId: "a%0Ab" },
  { what: "holds an escape sequence", runtimeId: "%1b%5B2J" },
  { what: "is too long", runtimeId: "x".repeat(257) },
])("a runtimeId that $what is refused", async ({ runtimeId }) => {
  const { server, entered } = await openCounted();
  const target = `/__crosswire/ipc?runtimeId=${runtimeId}`;
  expect((await upgrade(server, { target })).status).toBe(400);
  expect(entered()).toBe(0);
});

test("who sends the head too slowly is cut off, while others are served", async () => {
  const { server } = await openCounted({ headersTimeoutMs: 200 });
  const raw = await RawSocket.connect(server.getPort());
  const letters = upgradeRequest(server)[Symbol.iterator]();
  const timer = setInterval(() => raw.write(letters.next().value ?? ""), 20);
  onTestFinished(() => clearInterval(timer));
  const closed = within(raw.closed(), "the cut", 4_000);
  await expectService(server);
  await closed;
  expect(raw.received.toString()).not.toMatch(/^HTTP\/1\.1 101/);
});

test("200 idle connections do not stop the service, and are cut off", async () => {
  const { server } = await openCounted({ headersTimeoutMs: 500 });
  const idle = await Promise.all(
    Array.from({ length: 200 }, () => RawSocket.connect(server.getPort())),
  );
  await expectService(server);
  await within(Promise.all(idle.map((raw) => raw.closed())), "all of them to be cut off", 5_000);
});

test("an upgraded connection outlives the time that a head may take", async () => {
  const { server } = await openCounted({ headersTimeoutMs: 100 });
  const late = await RawSocket.connect(server.getPort());
  const raw = await RawWebSocket.open(server);
  // Cut off by the same sweep that would have cut off the other one, had it still been counted.
  await late.closed();
  raw.send("r:1:upgrade/echo:1");
  expect(await raw.texts.next()).toBe('s:1:upgrade/echo:{"success":true,"data":1}');
});

describe("a web page that knows the port", () => {
  const page = {
    Origin: "https://evil.example",
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0",
    "Sec-Fetch-Site": "cross-site",
    "Sec-Fetch-Mode": "websocket",
    "Sec-Fetch-Dest": "empty",
    Cookie: "session=1",
  };

  test.each([
    { knows: "nothing more", headers: { Authorization: undefined } },
    { knows: "the token", headers: {} },
    { knows: "to leave its Origin out", headers: { Origin: undefined, Authorization: undefined } },
    {
      knows: "the token as a protocol",
      headers: { Authorization: undefined, "Sec-WebSocket-Protocol": "TOKEN" },
    },
  ])("and $knows is refused", async ({ headers }) => {
    const { server, entered } = await openCounted();
    const filled = Object.entries({ ...page, ...headers }).map(([name, value]) => [
      name,
      value?.replace("TOKEN", server.token),
    ]);
    const { status } = await upgrade(server, {
      headers: Object.fromEntries(filled) as Record<string, string | undefined>,
    });
    expect([401, 403]).toContain(status);
    expect(entered()).toBe(0);
  });

  test("learns nothing from plain requests that it can read", async () => {
    const { server } = await openCounted();
    const raw = await RawSocket.connect(server.getPort());
    const host = `Host: 127.0.0.1:${server.getPort()}`;
    raw.write(`GET / HTTP/1.1\r\n${host}\r\nOrigin: ${page.Origin}\r\n\r\n`);
    const { status, head, body } = await raw.answer();
    // Such requests may be meant for what is served here; this one is for nothing.
    expect(status).toBe(404);
    expect(head).not.toMatch(/access-control/i);
    expect(head + body).not.toContain(server.token);
  });

  test("gets no answer to a preflight that would open the way", async () => {
    const { server } = await openCounted();
    const raw = await RawSocket.connect(server.getPort());
    const host = `Host: 127.0.0.1:${server.getPort()}`;
    raw.write(
      `OPTIONS / HTTP/1.1\r\n${host}\r\nOrigin: ${page.Origin}\r\n` +
        "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Private-Network: true\r\n\r\n",
    );
    const { status, head } = await raw.answer();
    expect(status).toBe(404);
    expect(head).not.toMatch(/access-control/i);
  });
});

test("a client that is gone before it is refused does not end the server", async () => {
  const { server } = await openCounted();
  for (let i = 0; i < 20; i++) {
    const raw = await RawSocket.connect(server.getPort());
    raw.write(upgradeRequest(server, { headers: { Host: "evil.example" } }));
    raw.reset();
    await until(() => raw.socket.destroyed, "the reset");
  }
  await expectService(server);
});

function bothOrigins(server: IPCServer): string {
  return `Origin: http://127.0.0.1:${server.getPort()}\r\nOrigin: http://evil.example\r\n`;
}
