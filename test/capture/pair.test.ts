// The two joined sockets: each end of one reaches the other, as on a real connection.

import { once } from "node:events";
import { expect, test } from "vitest";
import { PairSocket } from "../../src/capture/pair.ts";
import { turn, until } from "../fixtures/wait.ts";

const open = (isSecure = false): ReturnType<typeof PairSocket.open> =>
  PairSocket.open({ host: "a.example", port: 80, isSecure });

/** A consumer of node:stream would destroy the socket with its end. */
async function textOf(socket: PairSocket): Promise<string> {
  let text = "";
  socket.on("data", (piece: Buffer) => (text += piece.toString()));
  await until(socket, "end");
  return text;
}

test("what one writes the other reads, and an end is an end", async () => {
  const { client, server } = open();
  client.end("up");
  expect(await textOf(server)).toBe("up");
  server.end("down");
  expect(await textOf(client)).toBe("down");
  await until(() => client.closed && server.closed, "both to close");
  expect([client.bytesRead, client.bytesWritten]).toEqual([4, 2]);
});

test("who does not read holds the other one back", async () => {
  const { client, server } = open();
  let written = 0;
  while (client.write(Buffer.alloc(64 * 1024), () => written++)) await turn();
  await turn();
  expect(written).toBeLessThan(4);
  server.resume();
  await until(client, "drain");
});

test("a reset is an ECONNRESET on the other end, a destroy is an end", async () => {
  const reset = open();
  const failed = once(reset.client, "error");
  reset.client.resume();
  reset.server.resetAndDestroy();
  expect((await failed)[0]).toMatchObject({ code: "ECONNRESET", syscall: "read" });

  const destroyed = open();
  const ended = once(destroyed.server, "end");
  destroyed.server.resume();
  destroyed.client.destroy();
  await ended;
});

test("writing to an end that is gone is an EPIPE", async () => {
  const { client, server } = open();
  server.destroy();
  const failed = once(client, "error");
  client.write("too late");
  expect((await failed)[0]).toMatchObject({ code: "EPIPE", syscall: "write" });
});

test("a write that waits for its reader is over when the reader goes", async () => {
  const { client, server } = open();
  client.on("error", () => {});
  let isOver = false;
  client.write(Buffer.alloc(1_000_000), () => (isOver = true));
  await turn();
  expect(isOver).toBe(false);
  server.destroy();
  await until(() => isOver, "the write");
});

test("silence for as long as it was told to wait is a timeout", async () => {
  const { client } = open();
  client.setTimeout(5);
  await until(client, "timeout");
  client.setTimeout(0);
  client.destroy();
});

test("a secure one looks like TLS, another one does not", () => {
  expect(open(true).client).toMatchObject({ encrypted: true, authorized: true });
  expect(open().client).not.toHaveProperty("encrypted");
});
