// What must not happen: in production, with control traffic, and when the other side is hostile.

import { expect, onTestFinished, test } from "vitest";
import { CpriIPC } from "../../src/cpri/cpri-ipc.ts";
import { http } from "../../src/cpri/handlers/http-handlers.ts";
import { HttpResponse } from "../../src/cpri/handlers/http-response.ts";
import type { RemoteServer } from "../../src/cpri/receiver/remote-server.ts";
import { openHttpOrigin } from "../engine/http-origin.ts";
import { inbox, nextWarning, rejection, until } from "../fixtures/wait.ts";
import { attachTo, hostileReceiver, hostileSender, STATE } from "./hostile-peers.ts";
import { attached, NOWHERE, pair, textAt, world } from "./world.ts";

function setEnvironment(name: string, value: string): void {
  const before = process.env[name];
  process.env[name] = value;
  onTestFinished(() => {
    if (before === undefined) delete process.env[name];
    else process.env[name] = before;
  });
}

test("nobody can attach to an application in production, unless that is forced", async () => {
  setEnvironment("NODE_ENV", "production");
  const origin = await openHttpOrigin((_, response) => response.end("network"));
  const { receiver, app } = world();
  const remote = await receiver([http.get("*", () => HttpResponse.text("answered"))]);
  const warning = nextWarning();
  const refused = app({ onUnhandledRequest: "bypass" });
  expect((await warning).message).toContain("NODE_ENV is production");
  expect(await (await fetch(origin.url)).text()).toBe("network");
  expect(remote.senders()).toEqual([]);
  await refused.close();
  app({ remote: { enable: true, force: true, ...named(remote) } });
  await attached(remote, 1);
  expect(await textAt("/")).toBe("answered");
});

test("a preloaded application in production works as if nothing had been preloaded", async () => {
  const { receiver, start } = world();
  const origin = await openHttpOrigin((_, response) => response.end("network"));
  const remote = await receiver([http.get("*", () => HttpResponse.text("answered"))]);
  const [refused, forced] = await Promise.all([
    start({ env: { NODE_ENV: "production" } }),
    start({ env: { NODE_ENV: "production", CROSSWIRE_FORCE: "1" } }),
  ]);
  expect((await refused.send(origin.url)).text).toBe("network");
  expect(refused.child.stderr()).toContain("NODE_ENV is production");
  expect((await forced.send(origin.url)).text).toBe("answered");
  expect(remote.senders()).toHaveLength(1);
});

test("control traffic is never asked about, also while receivers come and go", async () => {
  const seen: string[] = [];
  const { receiver, app } = world();
  app();
  const all = http.all("*", ({ request }) => {
    seen.push(request.url);
    return HttpResponse.text("answered");
  });
  await receiver([all]);
  const second = await receiver([all]);
  expect(await textAt("/a")).toBe("answered");
  await second.close();
  await second.listen();
  await attached(second, 1);
  expect(await textAt("/b")).toBe("answered");
  expect(seen).toEqual([`${NOWHERE}/a`, `${NOWHERE}/b`]);
});

test("what a handler sends itself goes to the network", async () => {
  const origin = await openHttpOrigin((_, response) => response.end("network"));
  await pair([
    http.all("*", async () =>
      HttpResponse.text(`from the ${await (await fetch(origin.url)).text()}`),
    ),
  ]);
  expect(await textAt("/")).toBe("from the network");
});

test("frames of a wrong shape are refused, and break nothing", async () => {
  const { remote } = await pair([http.get("*", () => HttpResponse.text("answered"))]);
  const client = await hostileSender(remote);
  const right = { id: "1", method: "GET", url: `${NOWHERE}/`, headers: [], client: "http" };
  const wrong: readonly unknown[] = [
    undefined,
    null,
    7,
    "request",
    [],
    {},
    { ...right, id: 1 },
    { ...right, method: undefined },
    { ...right, url: "no url" },
    { ...right, headers: "a: b" },
    { ...right, headers: [["a"]] },
    { ...right, headers: [null] },
  ];
  for (const payload of wrong) {
    const failed = await rejection(client.sendFrameworkRequest(CpriIPC.request, payload as never));
    expect(failed).toMatchObject({
      code: "XW_REMOTE",
      message: expect.stringContaining("A frame of cpri/request needs"),
    });
  }
  for (const payload of [null, 7, {}, { pid: "1", title: "x" }]) {
    const failed = await rejection(client.sendFrameworkRequest(CpriIPC.hello, payload as never));
    expect(failed).toMatchObject({
      message: expect.stringContaining("A frame of cpri/hello needs"),
    });
  }
  await remote.idle();
  expect(remote.senders()).toHaveLength(1);
  expect(await textAt("/")).toBe("answered");
});

test("messages of a wrong shape are told of, and break nothing", async () => {
  const { remote } = await pair([http.get("*", () => HttpResponse.text("answered"))], {
    onUnhandledRequest: "warn",
  });
  const client = await hostileSender(remote);
  for (const payload of [null, 7, {}, { id: "1" }]) {
    const warning = nextWarning();
    client.sendMessage(CpriIPC.settled, payload as never);
    expect((await warning).message).toContain("cpri/settled");
  }
  for (const payload of [null, { id: "1" }, { id: "1", method: "GET", url: "no url" }]) {
    const warning = nextWarning();
    client.sendMessage(CpriIPC.seen, payload as never);
    expect((await warning).message).toContain("A frame of cpri/seen needs");
  }
  for (const payload of [null, 7, {}, { method: "GET", url: "no url" }]) {
    const warning = nextWarning();
    client.sendMessage(CpriIPC.unhandled, payload as never);
    expect((await warning).message).toContain("cpri/unhandled");
  }
  expect(await textAt("/")).toBe("answered");
});

test("a body of an answer is only for the sender that asked, and only once", async () => {
  const stream = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(Buffer.from("secret")),
  });
  const { remote } = await pair([http.get("*", () => new Response(stream))]);
  const client = await hostileSender(remote);
  const reply = await fetch(NOWHERE);
  for (const id of ["1", "2", undefined, null, {}]) {
    const body = client.openStream(CpriIPC.responseBody, { id } as never);
    await rejection(body[Symbol.asyncIterator]().next());
  }
  const reader = (reply.body as ReadableStream<Uint8Array>).getReader();
  const { value } = await reader.read();
  expect(Buffer.from(value ?? []).toString()).toBe("secret");
  await reader.cancel();
});

test("a receiver gets the body of a request that it was asked about, while it is asked, and of no other", async () => {
  const senders = inbox<string>();
  const asked = inbox<string>();
  let answer!: (verdict: unknown) => void;
  const server = await hostileReceiver(({ id }) => {
    asked.put(id);
    return new Promise((resolve) => (answer = resolve));
  });
  server.onClientConnect(({ runtimeId = "" }) => senders.put(runtimeId));
  attachTo(server);
  const sender = await senders.next();
  const bodyOf = (id: unknown): Promise<unknown> => {
    const body = server.openStream(sender, CpriIPC.requestBody, { id } as never);
    return body[Symbol.asyncIterator]().next();
  };
  const reply = fetch(NOWHERE, { method: "POST", body: "secret" });
  const id = await asked.next();
  for (const other of [`${id}0`, undefined, null, {}]) {
    expect(await rejection(bodyOf(other))).toMatchObject({ code: "XW_REMOTE" });
  }
  expect(await bodyOf(id)).toMatchObject({ value: Buffer.from("secret") });
  answer({ kind: "respond", status: 200, headers: [], body: { text: "answered" } });
  expect(await (await reply).text()).toBe("answered");
  expect(await rejection(bodyOf(id))).toMatchObject({ code: "XW_REMOTE" });
});

test("verdicts of a wrong shape fail their request, and break nothing", async () => {
  const verdicts: readonly unknown[] = [
    undefined,
    null,
    7,
    "respond",
    {},
    { kind: "accept" },
    { kind: "respond" },
    { kind: "respond", status: "200", headers: [] },
    { kind: "respond", status: 200 },
    { kind: "respond", status: 200, headers: "a: b" },
    { kind: "respond", status: 200, headers: [["a", "b\r\nc: d"]] },
    { kind: "respond", status: 200, headers: [], body: "text" },
    { kind: "respond", status: 200, headers: [], body: {} },
    { kind: "respond", status: 200, headers: [], body: { text: 7 } },
    { kind: "respond", status: 200, headers: [], trailers: "a: b" },
    { kind: "error" },
    { kind: "exception" },
    { kind: "passthrough", patch: { url: "no url" } },
    { kind: "passthrough", patch: 7 },
  ];
  const server = await hostileReceiver(
    ({ url }) => verdicts[Number(new URL(url).pathname.slice(1))],
  );
  attachTo(server);
  const right = { kind: "respond", status: 200, headers: [], body: { text: "right" } };
  for (const i of verdicts.keys()) {
    const status = await fetch(`${NOWHERE}/${i}`).then(
      // What has begun is cut off.
      (reply) =>
        reply.text().then(
          () => reply.status,
          () => 500,
        ),
      () => 500,
    );
    expect([verdicts[i], status]).toEqual([verdicts[i], 500]);
  }
  server.onFrameworkMessage(CpriIPC.request, () => right as never);
  expect(await textAt("/")).toBe("right");
});

test("a receiver that says nonsense about what it wants is refused", async () => {
  const origin = await openHttpOrigin((_, response) => response.end("network"));
  const server = await hostileReceiver(() => undefined);
  const senders = inbox<string>();
  server.onClientConnect(({ runtimeId = "" }) => senders.put(runtimeId));
  attachTo(server);
  const sender = await senders.next();
  const wrong: readonly unknown[] = [
    null,
    {},
    { ...STATE, unhandled: "never" },
    { ...STATE, scopes: [null] },
    { ...STATE, scopes: [{ http: [["GET"]], websocket: [] }] },
    { ...STATE, scopes: [{ contextId: 7, http: [], websocket: [] }] },
  ];
  for (const state of wrong) {
    expect(
      await rejection(server.sendFrameworkMessage(sender, CpriIPC.state, state as never)),
    ).toMatchObject({ message: expect.stringContaining("A frame of cpri/state needs") });
  }
  await server.sendFrameworkMessage(sender, CpriIPC.state, {
    ...STATE,
    scopes: [{ http: [], websocket: [] }],
  });
  expect(await (await fetch(origin.url)).text()).toBe("network");
});

test("a receiver of another version is named, and done without", async () => {
  const origin = await openHttpOrigin((_, response) => response.end("network"));
  const server = await hostileReceiver(() => undefined, { protocol: 99, state: STATE });
  const warning = nextWarning();
  attachTo(server);
  expect((await warning).message).toContain("speaks version 99 of the protocol");
  expect(await (await fetch(origin.url)).text()).toBe("network");
  await until(() => server.clients().length === 0, "nobody to be connected");
});

function named(remote: RemoteServer): { url: string; token: string } {
  const { CROSSWIRE_URL: url, CROSSWIRE_TOKEN: token } = remote.env;
  return { url, token };
}
