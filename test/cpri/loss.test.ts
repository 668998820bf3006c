// Nobody there, or nobody there any more: no request waits for ever, and readiness does not depend on a test.

import { expect, test } from "vitest";
import { http } from "../../src/cpri/handlers/http-handlers.ts";
import { HttpResponse } from "../../src/cpri/handlers/http-response.ts";
import { openHttpOrigin } from "../engine/http-origin.ts";
import { type Child, startChild } from "../fixtures/child.ts";
import { deferred, nextWarning, rejection, until, within } from "../fixtures/wait.ts";
import { attached, failureOf, NOWHERE, registerFile, textAt, world } from "./world.ts";

/** A receiver in a process of its own, which can be killed. */
async function otherReceiver(name: string): Promise<Child> {
  const child = startChild("../../cpri/children/receiver.ts", { env: { CROSSWIRE_NAME: name } });
  expect(await child.lines.next()).toBe("listening");
  return child;
}

test("an application answers and sends as ever while no test is attached", async () => {
  const { start } = world();
  const origin = await openHttpOrigin((_, response) => response.end("network"));
  const app = await start({ env: { CROSSWIRE_HOLD_MS: "10" } });
  expect(await (await fetch(app.url)).text()).toBe("ready");
  expect((await app.send(origin.url)).text).toBe("network");
  // Also on behalf of a test that is still to come: for a bounded time.
  const early = { "x-crosswire-context": "early" };
  expect((await app.send(origin.url, early)).text).toBe("network");
});

test("an application may refuse to send anything while no test is attached", async () => {
  const { start, receiver } = world();
  const origin = await openHttpOrigin((_, response) => response.end("network"));
  const app = await start({ env: { CROSSWIRE_WHEN_UNATTACHED: "error" } });
  expect(await (await fetch(app.url)).text()).toBe("ready");
  expect((await app.send(origin.url)).error).toMatchObject({
    code: "ECONNREFUSED",
    message: expect.stringContaining(`GET ${origin.url}/ was not sent: no test is attached`),
  });
  const remote = await receiver([http.get(origin.url, () => HttpResponse.text("answered"))]);
  expect((await app.send(origin.url)).text).toBe("answered");
  expect((await app.send(`${origin.url}/other`)).text).toBe("network");
  await remote.close();
  // It may not have heard of the end yet.
  while ((await app.send(origin.url)).error?.code !== "ECONNREFUSED");
});

test.each([
  ["CROSSWIRE_WHEN_UNATTACHED", "maybe", "passthrough or error"],
  ["CROSSWIRE_HOLD_MS", "soon", "a number of milliseconds"],
  ["CROSSWIRE_DECISION_TIMEOUT_MS", "0", "a number of milliseconds from 1 on"],
  ["CROSSWIRE_FORWARD_CONTEXT_TO", "http://a.test,b", 'not to "b"'],
])("a setting %s that makes no sense is refused loudly", async (variable, value, text) => {
  const { name } = world();
  const child = startChild("../../cpri/children/once.ts", {
    execArgv: ["--import", registerFile()],
    env: { CROSSWIRE_NAME: name, [variable]: value },
  });
  expect((await child.exited()).code).toBe(1);
  expect(child.stderr()).toContain(text);
});

test("how long a decision may take is a setting of a preloaded application", async () => {
  const { start, receiver } = world();
  await receiver([http.get("*", () => new Promise<never>(() => {}))]);
  const app = await start({ env: { CROSSWIRE_DECISION_TIMEOUT_MS: "40" } });
  const { status, text } = await app.send(NOWHERE);
  expect([status, text]).toEqual([500, expect.stringContaining("was not decided in 40 ms")]);
});

test("a receiver that is killed in the middle of a request hands it on to the next one", async () => {
  const { name, receiver, app } = world();
  app();
  await receiver([http.get("*/never", () => HttpResponse.text("by the older one"))]);
  const child = await otherReceiver(name);
  const reply = textAt("/never");
  expect(await child.lines.next()).toBe("asked");
  child.process.kill("SIGKILL");
  expect(await within(reply, "the answer")).toBe("by the older one");
  expect(await textAt("/never")).toBe("by the older one");
});

test("without a next one, what a killed receiver was asked goes to the network, by the policy", async () => {
  const { name, app } = world();
  const origin = await openHttpOrigin((_, response) => response.end("network"));
  app();
  const child = await otherReceiver(name);
  const reply = fetch(`${origin.url}/never`);
  expect(await child.lines.next()).toBe("asked");
  child.process.kill("SIGKILL");
  expect(await (await within(reply, "the answer")).text()).toBe("network");
});

test("a body that is on its way when its receiver is killed is cut off, not ended", async () => {
  const { name, app } = world();
  app();
  const child = await otherReceiver(name);
  const reply = await fetch(`${NOWHERE}/endless`);
  const reader = (reply.body as ReadableStream<Uint8Array>).getReader();
  expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe("the beginning");
  child.process.kill("SIGKILL");
  await rejection(reader.read());
});

test("a receiver that is stopped costs a request its time, and the failure says so", async () => {
  const { name, app } = world();
  app({ decisionTimeoutMs: 200 });
  const child = await otherReceiver(name);
  expect(await textAt("/answered")).toBe("by the other process");
  child.process.kill("SIGSTOP");
  const reply = await within(fetch(`${NOWHERE}/answered`), "the failure");
  expect(reply.status).toBe(500);
  expect(await reply.json()).toMatchObject({
    error: expect.stringContaining("was not decided in 200 ms"),
  });
});

test("a sender that is killed in the middle of a request is forgotten", async () => {
  const { start, receiver } = world();
  const asked = deferred<AbortSignal>();
  const app = await start();
  const remote = await receiver([
    http.get("*/never", ({ request }) => {
      asked.resolve(request.signal);
      return new Promise<Response>(() => {});
    }),
  ]);
  app.send(`${NOWHERE}/never`).catch(() => {});
  const signal = await within(asked.promise, "the question");
  expect(await rejection(remote.idle({ timeoutMs: 1 }))).toMatchObject({ code: "XW_TIMEOUT" });
  app.child.process.kill("SIGKILL");
  await remote.idle();
  await until(() => signal.aborted, "the signal");
  await attached(remote, 0);
});

test("a client that gives up is no longer waited for, and nobody is warned of its request", async () => {
  const { receiver, app } = world();
  app();
  const asked = deferred<AbortSignal>();
  const remote = await receiver(
    [
      http.get("*/never", ({ request }) => {
        asked.resolve(request.signal);
        return new Promise<Response>(() => {});
      }),
    ],
    { onUnhandledRequest: "warn" },
  );
  const gone = new AbortController();
  const reply = fetch(`${NOWHERE}/never`, { signal: gone.signal });
  const signal = await within(asked.promise, "the question");
  const idle = remote.idle();
  gone.abort();
  expect((await failureOf(reply)).name).toBe("AbortError");
  await idle;
  expect(signal.aborted).toBe(true);
});

test("an application that was told to use an address where nobody is says nothing, and works", async () => {
  const { start } = world();
  const origin = await openHttpOrigin((_, response) => response.end("network"));
  const app = await start({ env: { CROSSWIRE_URL: "http://127.0.0.1:9", CROSSWIRE_TOKEN: "x" } });
  expect((await app.send(origin.url)).text).toBe("network");
  expect(app.child.stderr()).toBe("");
});

test("an application whose token is wrong is told so, and works without the receiver", async () => {
  const { receiver, app } = world();
  const origin = await openHttpOrigin((_, response) => response.end("network"));
  const remote = await receiver([http.get(origin.url, () => HttpResponse.text("answered"))]);
  const warning = nextWarning();
  app({ remote: { enable: true, url: remote.env.CROSSWIRE_URL, token: "wrong" } });
  expect((await warning).message).toContain(
    `attaching to the receiver at ${remote.env.CROSSWIRE_URL}`,
  );
  expect(await (await fetch(origin.url)).text()).toBe("network");
  expect(remote.senders()).toEqual([]);
});
