// What Next has built, served with crosswire/register preloaded. That refuses to work in production, unless it is forced.

import { http, HttpResponse, setupRemoteServer } from "crosswire/cpri";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { openHttpOrigin } from "../engine/http-origin.ts";
import type { DevServer } from "../fixtures/dev-servers/dev-server.ts";
import { startBuiltNext } from "../fixtures/dev-servers/next.ts";
import { registerUrl } from "./cpri/app.ts";

const BUILD_MS = 120_000;

const remote = setupRemoteServer({ onUnhandledRequest: "bypass" });
let next: DevServer;

beforeAll(async () => {
  await remote.listen();
  next = await startBuiltNext(registerUrl());
}, BUILD_MS);

afterEach(() => remote.resetHandlers());

afterAll(async () => {
  await Promise.all([next.close(), remote.close()]);
});

interface Service {
  /** A handler in place of it. */
  answering(text: string): ReturnType<typeof http.get>;
  /** What the route handler hears from it. */
  heard(headers?: Readonly<Record<string, string>>): Promise<string>;
}

async function openService(): Promise<Service> {
  const { url } = await openHttpOrigin((_, response) => response.end("the service"));
  return {
    answering: (text) => http.get(`${url}/*`, () => HttpResponse.text(text)),
    heard: async (headers = {}) => {
      const page = `${next.url}/api/items?at=${encodeURIComponent(`${url}/items`)}`;
      return (await fetch(page, { headers })).text();
    },
  };
}

test("a built application is answered where the environment does not say that it is production", async () => {
  const { answering, heard } = await openService();
  await remote.use(answering("the test"));
  expect(await heard()).toBe("the test");
});

test("under NODE_ENV=production it is not, and says how it could be", async () => {
  await next.restart({ NODE_ENV: "production" });
  const { answering, heard } = await openService();
  await remote.use(answering("the test"));
  expect(await heard()).toBe("the service");
  expect(next.output()).toContain(
    "NODE_ENV is production. To test a production build, set CROSSWIRE_FORCE=1",
  );
});

test("with CROSSWIRE_FORCE it is, each of several tests at once with its own answer", async () => {
  await next.restart({ NODE_ENV: "production", CROSSWIRE_FORCE: "1" });
  const { answering, heard } = await openService();
  await using anna = remote.context();
  await using bert = remote.context();
  await remote.use(answering("nobody"));
  await Promise.all([anna.use(answering("Anna")), bert.use(answering("Bert"))]);
  const answers = await Promise.all([heard(anna.headers), heard(bert.headers), heard()]);
  expect(answers).toEqual(["Anna", "Bert", "nobody"]);
  expect(next.output()).not.toContain("CrosswireWarning");
});
