// Two connections under one runtimeId: the newer one takes over, whatever order their ends come in.

import { type ClientInfo, IPCClient, type Loss } from "crosswire";
import { expect, onTestFinished, test } from "vitest";
import { deferred, inbox, rejection, until } from "../fixtures/wait.ts";
import { openClient, openPair, WORKER } from "./pair.ts";
import { openRelayed } from "./relay.ts";

const who = IPCClient.defineRequest<void, string>("supersede/who");
const hang = IPCClient.defineRequest<void, void>("supersede/hang");

test("the newer client takes over, and the older one is told and closed", async () => {
  const { server, client: older } = await openPair();
  const losses = inbox<Loss>();
  older.onClose(losses.put);
  older.onFrameworkRequest(who, () => "older");

  const newer = await openClient(server, WORKER);
  newer.onFrameworkRequest(who, () => "newer");

  expect(await losses.next()).toMatchObject({
    willReconnect: false,
    error: { code: "XW_SUPERSEDED" },
  });
  expect(older.isConnected()).toBe(false);
  expect(await server.sendFrameworkMessage(WORKER, who)).toBe("newer");
  await until(() => server.clients().length === 1, "only the newer one to be left");
});

test("a superseded client does not come back, although it reconnects otherwise", async () => {
  const { server, client: older } = await openPair({ client: { reconnect: {} } });
  const losses = inbox<Loss>();
  older.onClose(losses.put);
  const reconnects: string[] = [];
  older.onReconnect(() => void reconnects.push("back"));
  const newer = await openClient(server, WORKER, { reconnect: {} });
  newer.onFrameworkRequest(who, () => "newer");

  expect(await losses.next()).toMatchObject({ willReconnect: false });
  for (let i = 0; i < 20; i++) {
    expect(await server.sendFrameworkMessage(WORKER, who)).toBe("newer");
  }
  expect(reconnects).toEqual([]);
  expect(older.isConnected()).toBe(false);
});

test("a call in flight to the superseded client rejects at once", async () => {
  const { server, client: older } = await openPair();
  const entered = deferred();
  older.onFrameworkRequest(hang, () => {
    entered.resolve();
    return new Promise<void>(() => {});
  });
  const failure = rejection(server.sendFrameworkMessage(WORKER, hang, undefined, Infinity));
  await entered.promise;
  await openClient(server, WORKER);
  expect(await failure).toMatchObject({ code: "XW_SUPERSEDED", maybeDelivered: true });
});

test("the late end of the older connection leaves the newer one reachable", async () => {
  // The older one hangs: it can neither read that it is superseded nor close.
  const { relay, server } = await openRelayed({}, { limits: { closeGraceMs: 60 } });
  const gone = inbox<ClientInfo>();
  server.onClientDisconnect(gone.put);
  const [olderInfo] = server.clients();
  relay.freeze();

  const newer = new IPCClient(server.getUrl());
  onTestFinished(() => newer.disconnect());
  newer.onFrameworkRequest(who, () => "newer");
  await newer.connect(WORKER);
  await until(() => server.clients().some(({ clientId }) => clientId !== olderInfo?.clientId));
  expect(await server.sendFrameworkMessage(WORKER, who)).toBe("newer");

  expect(await gone.next()).toEqual(olderInfo);
  expect(await server.sendFrameworkMessage(WORKER, who)).toBe("newer");
  expect(server.clients().map(({ runtimeId }) => runtimeId)).toEqual([WORKER]);
});

test("clients with other runtimeIds are left alone", async () => {
  const { server, client } = await openPair();
  await openClient(server, "worker-2");
  await openClient(server);
  await openClient(server);
  client.onFrameworkRequest(who, () => "still here");
  expect(server.clients()).toHaveLength(4);
  expect(await server.sendFrameworkMessage(WORKER, who)).toBe("still here");
});
