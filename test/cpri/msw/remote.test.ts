// `setupRemoteServer` and `setupServer` of crosswire/msw with handlers of MSW, over the wire.

import { fromMsw, setupRemoteServer, setupServer } from "crosswire/msw";
import { http as http2, HttpResponse as HttpResponse2, ws as ws2 } from "msw";
import { http as http3, HttpResponse as HttpResponse3, ws as ws3 } from "msw3";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  http as ours,
  HttpResponse,
  setupRemoteServer as setupOurs,
} from "../../../src/cpri/index.ts";
import type { MswHandlerInput } from "../../../src/cpri/msw/msw-handler.ts";
import type { MswRemoteServer } from "../../../src/cpri/msw/setup-msw.ts";
import { wsClient } from "../../capture/websocket-world.ts";
import { openHttpOrigin } from "../../engine/http-origin.ts";
import { inbox, nextWarning } from "../../fixtures/wait.ts";
import { failureOf, NOWHERE, textAt, world } from "../world.ts";
import { take, VERSIONS } from "./versions.ts";

async function pair(
  atTest: readonly MswHandlerInput[],
  inApp: readonly MswHandlerInput[] = [],
): Promise<MswRemoteServer> {
  const { name } = world();
  const app = setupServer(...inApp, { remote: { enable: true, name } });
  app.listen();
  const remote = setupRemoteServer(...atTest, { name, onUnhandledRequest: "bypass" });
  onTestFinished(async () => void (await Promise.all([app.close(), remote.close()])));
  await remote.listen();
  return remote;
}

describe.each(VERSIONS)("%s", (_name, { http, HttpResponse: Msw, ws, passthrough, bypass }) => {
  test("answers for an application", async () => {
    const remote = await pair(
      [
        http.get(`${NOWHERE}/users/:id`, ({ params }) => Msw.json({ id: params["id"] })),
        http.post(`${NOWHERE}/echo`, async ({ request }) => Msw.json(await request.json())),
        http.get(`${NOWHERE}/error`, () => Msw.error()),
        http.get(`${NOWHERE}/broken`, () => {
          throw new Error("broken");
        }),
      ],
      [http.get(`${NOWHERE}/*`, () => Msw.text("from the application"))],
    );
    expect(await textAt("/users/7")).toBe('{"id":"7"}');
    expect(await textAt("/echo", { method: "POST", body: '{"a":1}' })).toBe('{"a":1}');
    expect(await failureOf(textAt("/error"))).toMatchObject({ code: "ECONNRESET" });
    const warned = nextWarning();
    expect((await fetch(`${NOWHERE}/broken`)).status).toBe(500);
    expect((await warned).message).toContain(
      "GET http://nowhere.invalid/broken failed: Error: broken",
    );
    expect(await textAt("/else")).toBe("from the application");
    await remote.use(
      http.get(`${NOWHERE}/else`, () => Msw.text("once"), { once: true }),
      ours.get(`${NOWHERE}/users/*`, () => HttpResponse.text("ours")),
    );
    expect(await textAt("/else")).toBe("once");
    expect(await textAt("/else")).toBe("from the application");
    expect(await textAt("/users/7")).toBe("ours");
    await remote.resetHandlers(http.get(`${NOWHERE}/next`, () => Msw.text("next")));
    expect(await textAt("/next")).toBe("next");
    expect(await textAt("/users/7")).toBe("from the application");
  });

  test("lets a request through to the real server, or sends it from within a handler", async () => {
    const origin = await openHttpOrigin((request, response) => {
      void request.toArray().then((pieces) => response.end(`real ${pieces.join("")}`));
    });
    await pair([
      http.post(`${origin.url}/pass`, () => passthrough()),
      http.post(`${origin.url}/patched`, async ({ request }) => {
        const real = await fetch(bypass(request));
        return Msw.text(`${await real.text()}, patched`);
      }),
    ]);
    const said = async (path: string): Promise<string> =>
      (await fetch(origin.url + path, { method: "POST", body: "ping" })).text();
    expect(await said("/pass")).toBe("real ping");
    expect(await said("/patched")).toBe("real ping, patched");
  });

  test("mocks a WebSocket of an application", async () => {
    const link = ws.link(`${NOWHERE.replace("http", "ws")}/:room`);
    await pair([
      link.addEventListener("connection", ({ client, params }) => {
        client.addEventListener("message", ({ data }) => {
          client.send(`${String(params["room"])}: ${String(data)}`);
        });
      }),
    ]);
    const client = wsClient(`${NOWHERE.replace("http", "ws")}/kitchen`);
    await client.opened;
    client.socket.send("hello");
    expect(await client.messages.next()).toBe("kitchen: hello");
    client.socket.close();
    await client.closed;
  });

  test("has contexts and boundaries", async () => {
    const remote = await pair([]);
    const context = remote.context();
    await context.use(http.get(`${NOWHERE}/x`, () => Msw.text("in a context")));
    expect(context.listHandlers().map(({ label }) => label)).toEqual([`GET ${NOWHERE}/x`]);
    await context.resetHandlers(http.get(`${NOWHERE}/y`, () => Msw.text("y")));
    expect(context.listHandlers().map(({ label }) => label)).toEqual([`GET ${NOWHERE}/y`]);
    await remote.boundary(async (own) => {
      await own.use(http.get(`${NOWHERE}/x`, () => Msw.text("x")));
      await remote.use(http.get(`${NOWHERE}/z`, () => Msw.text("z")));
      expect(own.listHandlers()).toHaveLength(2);
      expect(remote.listHandlers()).toHaveLength(2);
    });
    expect(remote.listHandlers()).toEqual([]);
    await context.end();
  });

  test("tells life-cycle events as its users know them", async () => {
    const remote = await pair([
      http.post(`${NOWHERE}/x`, ({ request }) => Msw.text(`answer to ${request.method}`)),
      http.get(`${NOWHERE}/broken`, () => {
        throw new Error("broken");
      }),
    ]);
    const told = inbox<string>("an event");
    const body = inbox<string>("a body");
    remote.events.on("request:start", async ({ request }) => {
      body.put(await request.clone().text());
    });
    for (const name of ["request:start", "request:match", "request:end"] as const) {
      remote.events.on(name, ({ request, requestId }) => {
        told.put(`${name} ${request.method} ${requestId !== ""}`);
      });
    }
    remote.events.on("response:mocked", async ({ request, requestId, response }) => {
      const text = await response.clone().text();
      told.put(`response:mocked ${request.method} ${requestId !== ""} ${response.status} ${text}`);
    });
    remote.events.on("unhandledException", ({ request, error }) => {
      told.put(`unhandledException ${new URL(request.url).pathname} ${String(error)}`);
    });
    await remote.sync();
    await textAt("/x", { method: "POST", body: "ping" });
    expect(await take(told, 4)).toEqual([
      "request:start POST true",
      "request:match POST true",
      "request:end POST true",
      "response:mocked POST true 200 answer to POST",
    ]);
    expect(await body.next()).toBe("ping");
    await textAt("/broken");
    expect(await told.next()).toBe("request:start GET true");
    expect(await told.next()).toBe("unhandledException /broken Error: broken");
  });
});

test("listeners are removed by event and function, as with MSW", async () => {
  const { http, HttpResponse: Msw } = VERSIONS[0][1];
  const remote = await pair([http.get(`${NOWHERE}/x`, () => Msw.text("x"))]);
  const told: string[] = [];
  const tell = (): void => void told.push("tell");
  const add = (): void => {
    remote.events.on("request:start", tell);
    remote.events.on("request:end", tell);
    remote.events.once("request:match", tell);
  };
  const toldBy = async (): Promise<number> => {
    await remote.sync();
    await textAt("/x");
    return told.splice(0).length;
  };
  add();
  expect([await toldBy(), await toldBy()]).toEqual([3, 2]);
  remote.events.removeListener("request:start", tell);
  expect(await toldBy()).toBe(1);
  remote.events.removeAllListeners();
  add();
  remote.events.removeListener("request:match", tell);
  remote.events.removeAllListeners("request:end");
  expect(await toldBy()).toBe(1);
  remote.events.removeAllListeners();
  expect(await toldBy()).toBe(0);
});

test("handlers of both majors are of a type that all servers take", async () => {
  const { name } = world();
  const resolver = (): undefined => undefined;
  const handlers = [
    http2.get("*", resolver),
    http3.get("*", resolver),
    ws2.link("ws://x.io").addEventListener("connection", resolver),
    ws3.link("ws://x.io").addEventListener("connection", resolver),
  ] as const;
  const remote = setupRemoteServer(
    ...handlers,
    http2.get("*", () => HttpResponse2.json({})),
    { name },
  );
  const app = setupServer(
    ...handlers,
    http3.get("*", () => HttpResponse3.json({})),
  );
  app.use(...handlers);
  app.resetHandlers(...handlers);
  expect(app.listHandlers()).toHaveLength(4);
  expect(remote.listHandlers()).toHaveLength(5);
  expect(setupOurs(...handlers.map(fromMsw)).listHandlers()).toHaveLength(4);
  // @ts-expect-error -- these are for handlers of MSW only through fromMsw().
  expect(() => setupOurs(http2.get("*", resolver), { name })).toThrow("A handler of msw");
  // @ts-expect-error -- it is nobody's handler.
  expect(() => setupRemoteServer({ info: "x" }, {})).toThrow("is no handler");
});
