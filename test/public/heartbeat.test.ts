// A connection that is open but dead is noticed, and one that is merely quiet is left alone.

import { IPCServer, type Loss, type TraceEvent } from "crosswire";
import { expect, test } from "vitest";
import { inbox, rejection, until } from "../fixtures/wait.ts";
import { openPair } from "./pair.ts";
import { openRelayed } from "./relay.ts";

const hang = IPCServer.defineRequest<void, void>("heartbeat/hang");
const limits = { heartbeatQuietMs: 30, heartbeatReplyMs: 60, closeGraceMs: 40 };

test("a server that hangs is noticed, and its calls reject", async () => {
  const { relay, server, client } = await openRelayed({ limits });
  server.onFrameworkMessage(hang, () => new Promise(() => {}));
  const losses = inbox<Loss>();
  client.onClose(losses.put);
  const failure = rejection(client.sendFrameworkRequest(hang, undefined, Infinity));
  relay.freeze();
  expect(await failure).toMatchObject({ code: "XW_CONNECTION_LOST" });
  const { error } = await losses.next();
  expect(error.message).toContain("gave no sign of life for 90 ms");
});

test("a client that hangs is noticed, and is no client any more", async () => {
  const { relay, server } = await openRelayed({}, { limits });
  relay.freeze();
  await until(() => server.clients().length === 0, "the server to give the client up");
});

test("a quiet connection is asked for signs of life, and stays", async () => {
  const frames: TraceEvent[] = [];
  const trace = (event: TraceEvent): void => {
    if (event.event === "frame:in") frames.push(event);
  };
  const { client } = await openPair({ server: { limits }, client: { limits, trace } });
  const before = frames.length;
  await until(() => frames.length >= before + 6, "pings and their answers");
  expect(client.isConnected()).toBe(true);
});

test("limits of Infinity switch it off", async () => {
  const off = { heartbeatQuietMs: Infinity };
  const { relay, server, client } = await openRelayed({ limits: off }, { limits: off });
  relay.freeze();
  await expect(client.sendFrameworkRequest(hang, undefined, 150)).rejects.toMatchObject({
    code: "XW_TIMEOUT",
  });
  expect(client.isConnected()).toBe(true);
  expect(server.clients()).toHaveLength(1);
});
