// The pair in memory keeps the contract of transports, and carries a conversation.

import { createMemoryPair, IPCSocket } from "crosswire";
import { expect, test } from "vitest";
import { transportContract } from "../contract/transport.ts";

transportContract("in memory", async () => createMemoryPair());

test("two sockets over memory talk both ways and end together", async () => {
  const [here, there] = createMemoryPair();
  const a = new IPCSocket(here, { expectsHello: true, peer: "b" });
  const b = new IPCSocket(there, { expectsHello: true, peer: "a" });
  a.onRequest("memory/a", (text: string) => `a: ${text}`);
  b.onRequest("memory/b", (text: string) => `b: ${text}`);
  await Promise.all([a.ready(), b.ready()]);
  expect(await a.request("memory/b", "x")).toBe("b: x");
  expect(await b.request("memory/a", "y")).toBe("a: y");

  const ended = new Promise((resolve) => b.onClose(resolve));
  await a.close();
  expect(await ended).toMatchObject({ code: 1000 });
  await expect(b.request("memory/a", "z")).rejects.toMatchObject({ code: "XW_CONNECTION_LOST" });
});

test("without a hello only the base protocol is spoken", async () => {
  const [here, there] = createMemoryPair();
  const frames: unknown[] = [];
  there.open({
    frame: (frame) => void frames.push(frame),
    alive: () => {},
    drain: () => {},
    close: () => {},
  });
  const socket = new IPCSocket(here);
  await socket.ready();
  socket.send("memory/note", { n: 1 });
  const answer = socket.request("memory/ask", "q");
  there.send('s:1:memory/ask:{"success":true,"data":"yes"}');
  expect(await answer).toBe("yes");
  expect(frames).toEqual(['m::memory/note:{"n":1}', 'r:1:memory/ask:"q"']);
  await socket.close();
});
