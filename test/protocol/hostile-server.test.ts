// What answers on the port is not what a client hoped for: each end of it is a named error within the
// time that connect() has, and nothing foreign gets further than that.

import type { Socket } from "node:net";
import { type CrosswireError, IPCClient, type IPCClientOptions, IPCServer } from "crosswire";
import { describe, expect, onTestFinished, test } from "vitest";
import { helloFrame } from "../fixtures/hostile-target.ts";
import { acceptUpgrade, openRawServer, serverFrame } from "../fixtures/raw-server.ts";
import { rejection, until, within } from "../fixtures/wait.ts";

const MIB = 1024 * 1024;
const CONNECT_TIMEOUT_MS = 400;
const OURS = "Crosswire-Protocol: 1\r\n";
const ask = IPCServer.defineRequest<number, string>("server/ask");

function clientOf(port: number, options: IPCClientOptions = {}): IPCClient {
  const limits = { connectTimeoutMs: CONNECT_TIMEOUT_MS, closeGraceMs: 100, ...options.limits };
  const client = new IPCClient(port, { token: "t".repeat(32), ...options, limits });
  onTestFinished(() => client.disconnect());
  return client;
}

/** The error of connect(), which must come in the time it has. */
async function refusalOf(client: IPCClient): Promise<CrosswireError> {
  const failed = rejection(client.connect());
  return (await within(failed, "connect() to give up", 5 * CONNECT_TIMEOUT_MS)) as CrosswireError;
}

/** Sends `text` letter by letter, each before anybody could call the connection idle. */
function drip(socket: Socket, text: string): void {
  const letters = text[Symbol.iterator]();
  const timer = setInterval(() => {
    const { done, value } = letters.next();
    if (done === true || !socket.writable) return clearInterval(timer);
    socket.write(value);
  }, CONNECT_TIMEOUT_MS / 20);
  socket.on("close", () => clearInterval(timer));
}

describe("connect() rejects by name, and in time, when the other side", () => {
  const long = "x".repeat(100_000);

  test.each([
    { does: "says nothing", code: "XW_TIMEOUT", answer: () => {} },
    {
      does: "is no HTTP server",
      code: "XW_FOREIGN",
      answer: (s: Socket) => s.end("SSH-2.0-x\r\n"),
    },
    {
      does: "is another web server",
      code: "XW_FOREIGN",
      answer: (s: Socket) =>
        s.end("HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Length: 2\r\n\r\nok"),
    },
    {
      does: "redirects",
      code: "XW_FOREIGN",
      answer: (s: Socket) => s.end("HTTP/1.1 302 Found\r\nLocation: /other\r\n\r\n"),
    },
    {
      does: "computes a wrong key",
      code: "XW_FOREIGN",
      answer: (s: Socket) => acceptUpgrade(s, "Sec-WebSocket-Key: other\r\n", OURS),
    },
    {
      does: "agrees to compression that nobody offered",
      code: "XW_FOREIGN",
      answer: (s: Socket, head: string) =>
        acceptUpgrade(s, head, `${OURS}Sec-WebSocket-Extensions: permessage-deflate\r\n`),
    },
    {
      does: "sends headers without end",
      code: "XW_FOREIGN",
      answer: (s: Socket) => s.write(`HTTP/1.1 101 OK\r\nX: ${long}`),
    },
    {
      does: "refuses with a body without end",
      code: "XW_REFUSED",
      answer: (s: Socket) =>
        s.write(`HTTP/1.1 403 No\r\n${OURS}Content-Length: 900000\r\n\r\n${long}`),
    },
    {
      does: "drips its headers letter by letter",
      code: "XW_TIMEOUT",
      answer: (s: Socket) => drip(s, `HTTP/1.1 200 OK\r\nX: ${long}`),
    },
    {
      does: "drips its body letter by letter",
      code: "XW_TIMEOUT",
      answer: (s: Socket) => drip(s, `HTTP/1.1 500 Error\r\nContent-Length: 9999\r\n\r\n${long}`),
    },
    {
      does: "upgrades and says no hello",
      code: "XW_TIMEOUT",
      answer: (s: Socket, head: string) => acceptUpgrade(s, head, OURS),
    },
    {
      does: "speaks another version",
      code: "XW_VERSION",
      answer: (s: Socket, head: string) => {
        acceptUpgrade(s, head, OURS);
        s.write(serverFrame(helloFrame({ version: 2 })));
      },
    },
    {
      does: "says nonsense for a hello",
      code: "XW_FRAME",
      answer: (s: Socket, head: string) => {
        acceptUpgrade(s, head, OURS);
        s.write(serverFrame("m::$hello:{}"));
      },
    },
    {
      does: "sends a frame of 100 MiB for a hello",
      code: "XW_CONNECTION_LOST",
      answer: (s: Socket, head: string) => {
        acceptUpgrade(s, head, OURS);
        s.write(serverFrame("m::$hello:", 100 * MIB));
      },
    },
  ])("$does: $code", async ({ code, answer }) => {
    const { port, heads } = await openRawServer(answer);
    const client = clientOf(port);
    expect(await refusalOf(client)).toMatchObject({ code });
    expect(client.isConnected()).toBe(false);
    expect(heads).toHaveLength(1);
  });
});

test.each([
  { does: "closes", answer: (s: Socket) => void s.end() },
  { does: "resets", answer: (s: Socket) => void s.resetAndDestroy() },
])("connect() does not call a server foreign that $does before it answers", async ({ answer }) => {
  const { port } = await openRawServer(answer);
  // It may be one of ours that was just killed: a client with reconnect must not give up for ever.
  const { code } = await refusalOf(clientOf(port));
  expect(["XW_UNREACHABLE", "XW_CONNECTION_LOST"]).toContain(code);
});

test("what a foreign server says reaches an error only in part, and without control characters", async () => {
  const error = "\u001b[2J\u0007\r\n\u009b31mpwned".padEnd(10_000, "!");
  const body = JSON.stringify({ error, code: "XW_REFUSED" });
  const { port } = await openRawServer((socket) => {
    socket.end(
      `HTTP/1.1 403 No\r\n${OURS}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
  });
  const { message } = await refusalOf(clientOf(port));
  expect(message).not.toMatch(/\p{Cc}/u);
  expect(message).toContain("pwned");
  expect(message.length).toBeLessThan(5_000);
});

test("a connected server that sends a frame of 100 MiB costs its calls the connection at once", async () => {
  const { port } = await openRawServer((socket, head) => {
    acceptUpgrade(socket, head, OURS);
    socket.write(serverFrame(helloFrame()));
    socket.on("data", (chunk) => {
      if (chunk.includes("server/ask")) socket.write(serverFrame("s:1::", 100 * MIB));
    });
  });
  const client = clientOf(port);
  await client.connect();
  const failed = rejection(client.sendFrameworkRequest(ask, 1));
  expect(await within(failed, "the call to fail", 2_000)).toMatchObject({
    code: "XW_CONNECTION_LOST",
    maybeDelivered: true,
  });
  await until(() => !client.isConnected(), "the client to notice");
});

test("a server that answers ids which nobody asked disturbs no call", async () => {
  const { port } = await openRawServer((socket, head) => {
    acceptUpgrade(socket, head, OURS);
    socket.write(serverFrame(helloFrame()));
    socket.on("data", (chunk) => {
      if (!chunk.includes("server/ask")) return;
      for (const id of ["0", "2", "999999999999999", "", "__proto__"]) {
        socket.write(serverFrame(`s:${id}::{"success":true,"data":"spoofed"}`));
      }
      socket.write(serverFrame('s:1::{"success":true,"data":"true"}'));
    });
  });
  const client = clientOf(port);
  await client.connect();
  expect(await client.sendFrameworkRequest(ask, 1)).toBe("true");
});
