// Applications of all kinds whose network is a test: with crosswire/register preloaded, and otherwise as they are.

import { http, HttpResponse, setupRemoteServer } from "crosswire/cpri";
import { remoteContextFixture } from "crosswire/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { deferred } from "../fixtures/wait.ts";
import { type App, startApp } from "./cpri/app.ts";

const ITEM = http.get("https://catalogue.example/items/:id", ({ params: { id } }) =>
  HttpResponse.json({ id, price: 7 }),
);
const LAMP = { id: "lamp", price: 7 };

const remote = setupRemoteServer();
let express: App;
let fastify: App;

beforeAll(async () => {
  await remote.listen();
  [express, fastify] = await Promise.all([startApp("express-app"), startApp("fastify-app")]);
});

afterAll(async () => {
  await remote.close();
  await Promise.all([express, fastify].map((app) => app.close()));
});

async function json(app: App, path: string): Promise<unknown> {
  const response = await fetch(app.url + path);
  return response.json();
}

describe.each([
  { name: "Express", app: () => express },
  { name: "Fastify", app: () => fastify },
])("an application on $name", ({ app }) => {
  afterEach(() => remote.resetHandlers());

  test.each(["fetch", "axios", "got"])("is answered where it uses %s", async (client) => {
    await remote.use(ITEM);
    expect(await json(app(), `/api/${client}/lamp`)).toEqual(LAMP);
  });

  test("hands on what it is sent, and gets the status that the test chose", async () => {
    const ordered: unknown[] = [];
    await remote.use(
      http.post("https://catalogue.example/orders", async ({ request }) => {
        ordered.push(await request.json());
        return HttpResponse.json({ reason: "sold out" }, { status: 409 });
      }),
    );
    const response = await fetch(`${app().url}/api/orders`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ item: "lamp" }),
    });
    expect(response.status).toBe(409);
    expect(await response.json()).toEqual({ reason: "sold out" });
    expect(ordered).toEqual([{ item: "lamp" }]);
  });
});

describe.concurrent("three tests at once that share one process", () => {
  const NAMES = ["lamps", "chairs", "tables"];
  const sharing = test.extend({ network: remoteContextFixture(remote) });
  const everybodyAsked = deferred();
  const asking = new Set<string>();

  sharing.for(NAMES)("the one about %s is asked for its own only", async (name, { network }) => {
    const asked: string[] = [];
    await network.use(
      http.get("https://catalogue.example/:kind/:id", async ({ params: { kind, id } }) => {
        asked.push(`${String(kind)} ${String(id)}`);
        // Requests of all three are under way in the application before one of them is answered.
        if (asking.add(name).size === NAMES.length) everybodyAsked.resolve();
        await everybodyAsked.promise;
        return HttpResponse.json({ id: `${String(id)} of ${name}`, price: name.length });
      }),
    );
    const pageOf = async (id: string): Promise<string> => {
      const page = await fetch(`${express.url}/items/${id}`, { headers: network.headers });
      return page.text();
    };
    // The same addresses in all three.
    const pages = await Promise.all([pageOf("1"), pageOf("2"), pageOf("3")]);
    for (const [i, page] of pages.entries()) {
      expect(page).toContain(`<h1>${i + 1} of ${name}</h1><p>${name.length}</p>`);
    }
    const once = ["items 1", "items 2", "items 3", "prices 1", "prices 2", "prices 3"];
    expect(asked.toSorted()).toEqual(once);
  });
});

test("the threads of an application are answered, also one that is born during the test", async () => {
  await using app = await startApp("threads-app");
  await remote.use(ITEM);
  onTestFinished(() => remote.resetHandlers());
  const paths = ["/0/lamp", "/1/lamp", "/new/lamp"];
  const answers = await Promise.all(paths.map((path) => json(app, path)));
  expect(answers).toEqual([1, 2, 3].map((threadId) => ({ item: LAMP, threadId })));
});

test("the programs that an application starts are answered, however it starts them", async () => {
  await using app = await startApp("spawning-app", { withPrograms: true });
  await remote.use(ITEM);
  onTestFinished(() => remote.resetHandlers());
  const paths = ["/fork/lamp", "/spawn/lamp", "/shell/lamp"];
  const answers = await Promise.all(paths.map((path) => json(app, path)));
  for (const answer of answers) expect(answer).toMatchObject({ item: LAMP });
  const pids = answers.map((answer) => (answer as { pid: number }).pid);
  expect(new Set([app.pid, ...pids]).size).toBe(4);
});
