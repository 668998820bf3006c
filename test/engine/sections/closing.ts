// An engine that closes lets go of what is idle, waits for what is not, and breaks no promise.

import { expect } from "vitest";
import { OK, openStrictOrigin } from "../../fixtures/strict-origin.ts";
import { deferred, until, within } from "../../fixtures/wait.ts";
import type { Contract } from "../proxy-front.ts";
import { get, RawClient, upgrade } from "../raw-client.ts";

export function describeClosing({ behaviour, open }: Contract): void {
  behaviour("closing ends idle connections at once", async () => {
    const origin = await openStrictOrigin();
    const { port, engine } = await open(origin.url);
    const client = await RawClient.connect(port);
    client.send(get());
    await client.response();
    await within(engine.close({ graceMs: 60_000 }), "the close", 1_000);
    await until(() => origin.open === 0, "the idle connection to close");
    expect(engine.stats()).toEqual({
      connections: 0,
      idleConnections: 0,
      exchanges: 0,
      tunnels: 0,
    });
  });

  behaviour("closing waits for the exchange under way", async () => {
    const answer = deferred();
    const origin = await openStrictOrigin({
      onRequest: (_request, socket) => void answer.promise.then(() => socket.write(OK)),
    });
    const { port, engine } = await open(origin.url);
    const client = await RawClient.connect(port);
    client.send(get());
    await until(() => origin.requests.length === 1, "the request");
    const closing = engine.close({ graceMs: 4_000 });
    answer.resolve();
    expect(String((await client.response()).body)).toBe("ok");
    await within(closing, "the close", 1_000);
    await until(() => origin.open === 0, "the connection to close");
  });

  behaviour("closing cuts what outlives its grace, and every outcome is told", async () => {
    const origin = await openStrictOrigin({ onRequest: () => undefined });
    const front = await open(origin.url);
    const client = await RawClient.connect(front.port);
    client.send(get());
    await until(() => origin.requests.length === 1, "the request");
    await within(front.engine.close({ graceMs: 30 }), "the close", 1_000);
    expect(await front.outcomes.next()).toMatchObject({
      status: 0,
      failure: { code: "XW_CLOSED" },
    });
    expect((await client.response()).status).toBe(503);
    expect(front.engine.stats()).toMatchObject({ connections: 0, exchanges: 0 });
  });

  behaviour("after closing, requests and upgrades are a 503", async () => {
    const origin = await openStrictOrigin();
    const { port, engine } = await open(origin.url);
    await engine.close();
    for (const text of [get(), upgrade()]) {
      const client = await RawClient.connect(port);
      client.send(text);
      expect((await client.response()).status).toBe(503);
    }
    expect(origin.connections).toBe(0);
  });

  behaviour("closing twice is closing once", async () => {
    const origin = await openStrictOrigin();
    const { engine } = await open(origin.url);
    await Promise.all([engine.close(), engine.close({ graceMs: 1 })]);
    await engine.close();
    expect(engine.stats().connections).toBe(0);
  });
}
