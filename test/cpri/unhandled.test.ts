// Requests that nobody wants: who decides about them, and what is said of them.

import { expect, onTestFinished, test } from "vitest";
import { CPRI_VERSION, CpriIPC } from "../../src/cpri/cpri-ipc.ts";
import { http } from "../../src/cpri/handlers/http-handlers.ts";
import { HttpResponse } from "../../src/cpri/handlers/http-response.ts";
import { newId, Rendezvous } from "../../src/cpri/rendezvous.ts";
import { IPCServer } from "../../src/ipc/server.ts";
import { openHttpOrigin } from "../engine/http-origin.ts";
import { nextWarning, within } from "../fixtures/wait.ts";
import { failureOf, NOWHERE, pair, textAt, world } from "./world.ts";

test("what nobody wants is warned of once, with what nearly matched", async () => {
  const origin = await openHttpOrigin((_, response) => response.end("network"));
  await pair([http.get(`${origin.url}/users/:id`, () => HttpResponse.text("user"))], {
    onUnhandledRequest: "warn",
  });
  const warning = nextWarning();
  for (const query of ["?secret=1", "?secret=2"]) {
    expect(await (await fetch(`${origin.url}/users/7/orders${query}`)).text()).toBe("network");
  }
  const { message } = await warning;
  expect(message).toContain(
    `No handler matched GET ${origin.url}/users/7/orders; closest: GET ${origin.url}/users/:id, because`,
  );
  expect(message).not.toContain("secret");
});

test("what nobody wants fails, where that is asked for, and says why", async () => {
  const { receiver, app } = world();
  const own = app();
  await receiver([http.get("*/a", () => HttpResponse.text("a"))], { onUnhandledRequest: "error" });
  const { code, message } = await failureOf(fetch(`${NOWHERE}/b`));
  expect([code, message]).toEqual([
    "ECONNREFUSED",
    expect.stringContaining(`No handler matched GET ${NOWHERE}/b; closest: GET */a, because`),
  ]);
  expect(await textAt("/a")).toBe("a");
  own.use(http.get("*/b", () => HttpResponse.text("own")));
  expect(await textAt("/b")).toBe("own");
});

test("a function decides what becomes of a request that nobody wants", async () => {
  const origin = await openHttpOrigin((_, response) => response.end("network"));
  const seen: string[] = [];
  await pair([], {
    onUnhandledRequest: (request, { warning, error }) => {
      seen.push(`${request.method} ${new URL(request.url).pathname}`);
      if (request.url.endsWith("/warned")) warning();
      if (request.url.endsWith("/refused")) error();
      if (request.url.endsWith("/thrown")) throw new Error("of the strategy");
    },
  });
  const warning = nextWarning();
  expect(await (await fetch(`${origin.url}/warned`)).text()).toBe("network");
  expect((await warning).message).toContain("/warned; there are none.");
  expect((await failureOf(fetch(`${origin.url}/refused`))).code).toBe("ECONNREFUSED");
  const thrown = await fetch(`${origin.url}/thrown`);
  expect([thrown.status, await thrown.text()]).toEqual([
    500,
    expect.stringContaining("of the strategy"),
  ]);
  expect(seen).toEqual(["GET /warned", "GET /refused", "GET /thrown"]);
});

test("only the receiver in charge decides about what nobody wants", async () => {
  const told: string[] = [];
  const origin = await openHttpOrigin((_, response) => response.end("network"));
  const { receiver, app } = world();
  app();
  await receiver([], { onUnhandledRequest: () => void told.push("older") });
  const younger = await receiver([], { onUnhandledRequest: () => void told.push("younger") });
  await (await fetch(origin.url)).text();
  await younger.close();
  await (await fetch(origin.url)).text();
  expect(told).toEqual(["younger", "older"]);
});

test("where the receiver in charge goes while it decides, the next one does", async () => {
  const origin = await openHttpOrigin((_, response) => response.end("network"));
  const { name, receiver, app } = world();
  app();
  const told: string[] = [];
  await receiver([], { onUnhandledRequest: (request) => void told.push(request.method) });
  await dyingReceiver(name);
  expect(await (await fetch(origin.url)).text()).toBe("network");
  expect(told).toEqual(["GET"]);
});

/** The youngest of all: it wants to decide about everything, and is gone when it is asked to. */
async function dyingReceiver(name: string): Promise<void> {
  const server = new IPCServer(0);
  onTestFinished(() => server.close());
  const attached = new Promise<void>((resolve) => {
    server.onFrameworkMessage(CpriIPC.hello, () => {
      resolve();
      const state = { unhandled: "ask", watches: false, scopes: [] } as const;
      return { protocol: CPRI_VERSION, pid: 1, startedAt: Date.now() + 1e6, state };
    });
  });
  server.onFrameworkMessage(CpriIPC.request, () => {
    void server.close({ graceMs: 0 });
    return new Promise<never>(() => {});
  });
  await server.start();
  const { CROSSWIRE_URL: url, CROSSWIRE_TOKEN: token } = server.env;
  const note = { id: newId(), pid: process.pid, url, token };
  onTestFinished(new Rendezvous(name).announce("receiver", note));
  await within(attached, "the sender");
}
