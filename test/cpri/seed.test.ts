// How an application gets to be answered by a test: the seed's own words, and no word at all.

import { http, HttpResponse, setupRemoteServer } from "crosswire/cpri";
import { expect, onTestFinished, test } from "vitest";
import { openHttpOrigin } from "../engine/http-origin.ts";
import { startChild } from "../fixtures/child.ts";
import { until } from "../fixtures/wait.ts";
import { attached, NOWHERE, registerFile, world } from "./world.ts";

const hello = http.get(`${NOWHERE}/once`, () => HttpResponse.text("hello world"));

test("the seed's two snippets run, with only the imports changed", async () => {
  const { name, start } = world();
  const app = await start({ script: "seed-app", isPreloaded: false });
  process.env["CROSSWIRE_NAME"] = name;
  onTestFinished(() => void delete process.env["CROSSWIRE_NAME"]);

  const server = setupRemoteServer();
  onTestFinished(() => server.close());
  await server.use(
    http.get("https://example.com/resource", () => {
      return HttpResponse.text("hello world");
    }),
  );

  expect(await app.send("https://example.com/resource")).toEqual({
    status: 200,
    text: "hello world",
  });
});

test("nothing in the code of an application need know of it", async () => {
  const { start, receiver } = world();
  const app = await start();
  const remote = await receiver();
  expect(remote.senders().map(({ pid }) => pid)).toEqual([app.child.process.pid]);
  await remote.use(http.get(`${NOWHERE}/a`, () => HttpResponse.text("answered")));
  expect((await app.send(`${NOWHERE}/a`)).text).toBe("answered");
});

test("a request that is sent after use() has resolved is answered, always", async () => {
  const { start, receiver } = world();
  const [app, remote] = await Promise.all([start(), receiver()]);
  await attached(remote, 1);
  for (let i = 0; i < 50; i++) {
    await remote.use(http.get(`${NOWHERE}/${i}`, () => HttpResponse.text(`answer ${i}`)));
    expect((await app.send(`${NOWHERE}/${i}`)).text).toBe(`answer ${i}`);
    if (i % 10 === 9) await remote.resetHandlers();
  }
});

test("a process asks before its first request leaves, though it is sent at once, and ends by itself", async () => {
  const { name, receiver } = world();
  await receiver([hello]);
  const options = { execArgv: ["--import", registerFile()], env: { CROSSWIRE_NAME: name } };
  const child = startChild("../../cpri/children/once.ts", options);
  expect(await child.lines.next()).toBe("hello world");
  expect(await child.exited()).toEqual({ code: 0, signal: null });
});

test.each(["thread", "process"])(
  "a worker %s that is born in the middle of a test asks before its first request leaves",
  async (kind) => {
    const { name, receiver } = world();
    const remote = await receiver([hello]);
    const options = { execArgv: ["--import", registerFile()], env: { CROSSWIRE_NAME: name } };
    const child = startChild("../../cpri/children/workers.ts", options);
    expect(await child.lines.next()).toBe("started");
    await attached(remote, 1);
    child.tell(kind);
    expect(await child.lines.next()).toBe("hello world");
    await attached(remote, 1);
  },
);

test("an application that starts again attaches again", async () => {
  const { start, receiver } = world();
  const remote = await receiver([http.get(`${NOWHERE}/*`, () => HttpResponse.text("answered"))]);
  const first = await start();
  expect((await first.send(`${NOWHERE}/a`)).text).toBe("answered");
  first.child.process.kill("SIGKILL");
  await first.child.exited();
  await attached(remote, 0);
  const second = await start();
  expect((await second.send(`${NOWHERE}/a`)).text).toBe("answered");
  expect(remote.senders()).toMatchObject([{ pid: second.child.process.pid }]);
});

test("a receiver that starts again is attached to again, and the handlers of the first are forgotten", async () => {
  const { start, receiver } = world();
  const app = await start();
  const first = await receiver([http.get("*/a", () => HttpResponse.text("first"))]);
  expect((await app.send(`${NOWHERE}/a`)).text).toBe("first");
  await first.close();
  await receiver([http.get("*/b", () => HttpResponse.text("second"))]);
  expect((await app.send(`${NOWHERE}/b`)).text).toBe("second");
  const origin = await openHttpOrigin((_, response) => response.end("network"));
  expect((await app.send(`${origin.url}/a`)).text).toBe("network");
});

test("a receiver listens again after it was closed, with the handlers that it had", async () => {
  const { start, receiver } = world();
  const app = await start();
  const remote = await receiver([http.get(`${NOWHERE}/a`, () => HttpResponse.text("again"))]);
  await remote.close();
  await until(() => remote.senders().length === 0, "nobody to be attached");
  await remote.listen();
  expect((await app.send(`${NOWHERE}/a`)).text).toBe("again");
});

test("a process that only waits for use() does not end before it is done", async () => {
  const { name, start } = world();
  await start();
  const child = startChild("../../cpri/children/uses.ts", { env: { CROSSWIRE_NAME: name } });
  expect(await child.lines.next()).toBe("1 attached");
  expect(await child.exited()).toEqual({ code: 0, signal: null });
});
