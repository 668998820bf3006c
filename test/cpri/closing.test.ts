// What is left when it is over: nothing.

import { readdirSync } from "node:fs";
import { expect, onTestFinished, test } from "vitest";
import { http } from "../../src/cpri/handlers/http-handlers.ts";
import { HttpResponse } from "../../src/cpri/handlers/http-response.ts";
import { setupRemoteServer, setupServer } from "../../src/cpri/setup.ts";
import { openHttpOrigin } from "../engine/http-origin.ts";
import { startChild } from "../fixtures/child.ts";
import { deferred, rejection, until, within } from "../fixtures/wait.ts";
import { attached, NOWHERE, pair, registerFile, textAt, world } from "./world.ts";

function notes(): string[] {
  return readdirSync(process.env["CROSSWIRE_RUNTIME_DIR"] as string).filter((name) =>
    name.startsWith("cpri-"),
  );
}

/** Timers, sockets, watchers, but not what belongs to the test runner. */
function resources(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of process.getActiveResourcesInfo()) {
    if (/^(TCP|Timeout|FSEvent)/.test(name)) counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

test("close() of both ends leaves no note, socket, timer, watcher or listener behind", async () => {
  const exitListeners = process.listenerCount("exit");
  const before = resources();
  const { receiver, app } = world();
  const server = app();
  const remote = await receiver([http.get("*", () => HttpResponse.text("answered"))]);
  expect(await textAt("/")).toBe("answered");
  expect(notes()).toHaveLength(2);
  await remote.close();
  await server.close();
  expect(notes()).toEqual([]);
  expect(process.listenerCount("exit")).toBe(exitListeners);
  await until(() => {
    const now = resources();
    return Object.entries(now).every(([name, count]) => count <= (before[name] ?? 0));
  }, "all resources to be gone");
});

test("closing puts fetch back, and what was not decided goes to the network", async () => {
  const origin = await openHttpOrigin((_, response) => response.end("network"));
  const asked = deferred();
  const { receiver, app } = world();
  const server = app();
  await receiver([
    http.get("*", () => {
      asked.resolve();
      return new Promise<Response>(() => {});
    }),
  ]);
  const waiting = fetch(origin.url);
  await within(asked.promise, "the question");
  await server.close();
  expect(await (await waiting).text()).toBe("network");
  expect(await (await fetch(origin.url)).text()).toBe("network");
  await server.close();
});

test("an application listens again after it was closed", async () => {
  const { receiver, app } = world();
  const server = app();
  const remote = await receiver([http.get("*", () => HttpResponse.text("answered"))]);
  await server.close();
  await attached(remote, 0);
  server.listen();
  server.listen();
  expect(await textAt("/")).toBe("answered");
  await attached(remote, 1);
});

test("a receiver listens again after it was closed, with its handlers and contexts", async () => {
  const { remote } = await pair([http.get("*", () => HttpResponse.text("answered"))]);
  const { CROSSWIRE_URL: before } = remote.env;
  await remote.close();
  await remote.close();
  expect(() => remote.env).toThrow(/listen/);
  expect(remote.senders()).toEqual([]);
  await remote.listen();
  expect(remote.env.CROSSWIRE_URL).not.toBe(before);
  expect(await textAt("/")).toBe("answered");
});

test("a receiver that is closed while it begins to listen leaves no note", async () => {
  const { name } = world();
  const remote = setupRemoteServer({ name });
  const listening = remote.listen().catch(() => {});
  await remote.close();
  await listening;
  expect(notes()).toEqual([]);
  expect(remote.senders()).toEqual([]);
});

test("an application that is closed while it attaches leaves nothing", async () => {
  const { name, receiver } = world();
  const remote = await receiver();
  const server = setupServer({ remote: { enable: true, name } });
  server.listen();
  await server.close();
  await attached(remote, 0);
  expect(notes()).toHaveLength(1);
});

test("two servers in one application are one sender, which ends with the last of them", async () => {
  const { app, receiver } = world();
  const [first, second] = [
    app({}, [http.get("*/first", () => HttpResponse.text("first"))]),
    app({}, [http.get("*/second", () => HttpResponse.text("second"))]),
  ];
  const remote = await receiver([http.get("*/remote", () => HttpResponse.text("remote"))]);
  await attached(remote, 1);
  const texts = (): Promise<string[]> =>
    Promise.all(["/first", "/second", "/remote"].map((path) => textAt(path)));
  expect(await texts()).toEqual(["first", "second", "remote"]);
  await first.close();
  expect(await textAt("/second")).toBe("second");
  expect(await textAt("/remote")).toBe("remote");
  await second.close();
  await attached(remote, 0);
});

test("a process with a sender and a receiver that nobody closes ends by itself", async () => {
  const { name } = world();
  const child = startChild("../../cpri/children/attached.ts", { env: { CROSSWIRE_NAME: name } });
  expect(await child.lines.next()).toBe("answered 1");
  expect(await child.exited()).toEqual({ code: 0, signal: null });
  expect(child.stderr()).toBe("");
  expect(notes()).toEqual([]);
});

test("what a killed process left behind is cleared away by the next one", async () => {
  const { start, receiver } = world();
  const app = await start();
  expect(notes()).toHaveLength(1);
  app.child.process.kill("SIGKILL");
  await app.child.exited();
  const remote = await receiver();
  expect(notes()).toHaveLength(1);
  expect(remote.senders()).toEqual([]);
});

test("a preloaded process ends by itself in the middle of being attached", async () => {
  const { name, receiver } = world();
  await receiver([http.get(`${NOWHERE}/once`, () => HttpResponse.text("answered"))]);
  const options = { execArgv: ["--import", registerFile()], env: { CROSSWIRE_NAME: name } };
  const child = startChild("../../cpri/children/nothing.ts", options);
  expect(await child.exited()).toEqual({ code: 0, signal: null });
  expect(notes()).toHaveLength(1);
});

test("requests leave nothing behind in a receiver or a sender", async () => {
  const { remote } = await pair([
    http.get("*", () => HttpResponse.text("answered")),
    http.post("*", async ({ request }) => new Response(request.body)),
  ]);
  const before = resources();
  for (let i = 0; i < 5; i++) {
    await Promise.all(Array.from({ length: 20 }, (_, n) => textAt(`/${n}`)));
    await textAt("/", { method: "POST", body: "x".repeat(100_000) });
  }
  await remote.idle();
  await until(() => (resources()["Timeout"] ?? 0) <= (before["Timeout"] ?? 0) + 1, "timers to end");
});

test("a port that is taken is named", async () => {
  const first = await pair();
  const port = Number(new URL(first.remote.env.CROSSWIRE_URL).port);
  const second = setupRemoteServer({ port, name: first.name });
  onTestFinished(() => second.close());
  expect(await rejection(second.listen())).toMatchObject({
    code: "XW_LISTEN",
    message: expect.stringContaining(String(port)),
  });
});
