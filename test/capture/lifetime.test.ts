// A capture begins and ends: what it replaces, what it leaves alone, and what becomes of what is under way.

import http from "node:http";
import { EventEmitter } from "node:events";
import http2 from "node:http2";
import https from "node:https";
import { createRequire } from "node:module";
import net from "node:net";
import tls from "node:tls";
import { text } from "node:stream/consumers";
import type * as Undici from "undici";
import { Client, fetch as undiciFetch, MockAgent, Pool } from "undici";
import { expect, onTestFinished, test } from "vitest";
import { internal } from "../../src/capture/context.ts";
import { startCapture } from "../../src/capture/capture.ts";
import { openHttpOrigin } from "../engine/http-origin.ts";
import { deferred, rejection, until } from "../fixtures/wait.ts";
import { capture, NOWHERE, PASS, respond } from "./world.ts";

/** Every function that could be replaced, by owner and name. */
function functions(): Map<string, unknown> {
  const owners: Record<string, object> = {
    http,
    https,
    net,
    tls,
    http2,
    EventEmitter,
    globalThis,
    Agent: http.Agent.prototype,
    ClientRequest: http.ClientRequest.prototype,
    Server: http.Server.prototype,
    SecureServer: https.Server.prototype,
    Socket: net.Socket.prototype,
  };
  for (const kind of [Pool, Client]) {
    for (
      let at: object = kind.prototype;
      at !== EventEmitter.prototype;
      at = Object.getPrototypeOf(at) as object
    ) {
      owners[`${kind.name} ${Object.keys(owners).length}`] = at;
    }
  }
  const found = new Map<string, unknown>();
  for (const [owner, object] of Object.entries(owners)) {
    for (const key of Reflect.ownKeys(object)) {
      const { value } = Object.getOwnPropertyDescriptor(object, key) ?? {};
      if (typeof value === "function") found.set(`${owner}.${String(key)}`, value);
    }
  }
  return found;
}

function changed(before: Map<string, unknown>): string[] {
  const after = functions();
  const names = new Set([...before.keys(), ...after.keys()]);
  return [...names].filter((name) => before.get(name) !== after.get(name));
}

/** Another copy. Unless it `isFound`, it is not among the loaded modules, as one in a bundle is not. */
function anotherUndici({ isFound }: { readonly isFound: boolean }): typeof Undici {
  const load = createRequire(import.meta.url);
  const { cache } = load;
  const isUndici = (file: string): boolean => /[\\/]node_modules[\\/]undici[\\/]/.test(file);
  const before = Object.entries(cache).filter(([file]) => isUndici(file));
  const forget = (): void => {
    for (const file of Object.keys(cache)) if (isUndici(file)) Reflect.deleteProperty(cache, file);
  };
  const restore = (): void => {
    forget();
    for (const [file, module] of before) cache[file] = module;
  };
  forget();
  const copy = load("undici") as typeof Undici;
  if (isFound) onTestFinished(restore);
  else restore();
  return copy;
}

test("close() puts every function back, and a new capture may begin", async () => {
  // Node makes this one when somebody first asks for it.
  expect(Response).toBeTypeOf("function");
  const before = functions();
  for (let round = 0; round < 2; round++) {
    const started = capture(() => respond("ok"));
    await (await fetch(NOWHERE)).text();
    await new Client(NOWHERE).close();
    expect(changed(before).toSorted()).toEqual(
      expect.arrayContaining([
        "Agent.addRequest",
        "EventEmitter.init",
        "Server.emit",
        "http.request",
      ]),
    );
    expect(
      changed(before).filter((name) => /^(net|tls|http2|Socket|ClientRequest)\./.test(name)),
    ).toEqual([]);
    await started.close();
    expect(changed(before)).toEqual([]);
  }
});

test("a second capture in the process is refused", async () => {
  capture(() => PASS);
  expect(() => startCapture({ decide: () => PASS })).toThrow("active in this process already");
  expect(() => startCapture({} as never)).toThrow("needs a function decide");
});

test("close() lets pass what is not decided, and cuts what is being answered", async () => {
  const origin = await openHttpOrigin((request, response) => void request.pipe(response));
  const reading = deferred();
  const { close, asked } = capture(async ({ url, body }) => {
    if (url.startsWith(NOWHERE)) return respond(silence());
    if (url.endsWith("/read")) for await (const _ of body()) reading.resolve();
    return new Promise(() => {});
  });
  async function* silence(): AsyncGenerator<Uint8Array> {
    yield Buffer.from("a");
    await new Promise(() => {});
  }
  const cut = await fetch(NOWHERE);
  const post = { method: "POST", body: "sent" };
  const undecided = [fetch(origin.url, post), fetch(`${origin.url}/read`, post)];
  const viaHttp = http.request(`${origin.url}/read`, { method: "POST" }).end("sent");
  await until(() => asked.length === 4, "all of them");
  await reading.promise;
  await close();
  for (const response of undecided) expect(await (await response).text()).toBe("sent");
  const [response] = await until(viaHttp, "response");
  expect(await text(response as http.IncomingMessage)).toBe("sent");
  await rejection(cut.text());
});

test("our own traffic is never asked about", async () => {
  const origin = await openHttpOrigin((_, response) => response.end("real"));
  const { asked } = capture(async () => respond(await (await fetch(origin.url)).text()));
  expect(await (await internal(() => fetch(origin.url))).text()).toBe("real");
  expect(await (await fetch(NOWHERE)).text()).toBe("real");
  expect(asked).toHaveLength(1);
});

test("redirects lead from an answer to the network and back", async () => {
  const origin = await openHttpOrigin((request, response) => {
    if (request.url === "/real") return void response.end("real");
    response.writeHead(302, { location: `${NOWHERE}/end` }).end();
  });
  const { asked } = capture(({ url }) => {
    if (url === `${NOWHERE}/end`) return respond("answered");
    return url.startsWith(NOWHERE) ? respond("", [["location", `${origin.url}/real`]], 302) : PASS;
  });
  for (const run of [fetch, undiciFetch as unknown as typeof fetch]) {
    expect(await (await run(`${NOWHERE}/begin`)).text()).toBe("real");
    expect(await (await run(`${origin.url}/away`)).text()).toBe("answered");
  }
  expect(asked).toHaveLength(8);
});

test("a mock of undici stays in charge of what it mocks", async () => {
  const { asked } = capture(() => respond("ours"));
  const mock = new MockAgent();
  onTestFinished(() => mock.close());
  mock.get("http://mocked.invalid").intercept({ path: "/" }).reply(200, "theirs");
  const response = await undiciFetch("http://mocked.invalid/", { dispatcher: mock });
  expect([await response.text(), asked.length]).toEqual(["theirs", 0]);
});

test("a pool that is busy asks once for each request", async () => {
  const origin = await openHttpOrigin((_, response) => response.end("real"));
  const { asked } = capture(() => PASS);
  const pool = new Pool(origin.url, { connections: 1 });
  onTestFinished(() => pool.destroy());
  const all = Array.from({ length: 10 }, () => pool.request({ path: "/", method: "GET" }));
  for (const { body } of await Promise.all(all)) await body.text();
  expect(asked).toHaveLength(10);
});

test("headersTimeout of undici counts while it is decided", async () => {
  capture(() => new Promise(() => {}));
  const pool = new Pool(NOWHERE);
  onTestFinished(() => pool.destroy());
  const error = await rejection(pool.request({ path: "/", method: "GET", headersTimeout: 20 }));
  expect(error).toMatchObject({ code: "UND_ERR_HEADERS_TIMEOUT" });
});

test("an undici client that was at work before is caught, and so is the global one", async () => {
  const origin = await openHttpOrigin((_, response) => response.end("real"));
  const { Pool: LoadedPool } = anotherUndici({ isFound: true });
  const pool = new LoadedPool(origin.url);
  onTestFinished(() => pool.destroy());
  await (await pool.request({ path: "/", method: "GET" })).body.text();
  await (await fetch(origin.url)).text();
  const unseen: string[] = [];
  capture(() => respond("answered"), {
    onUnseen: (method, url) => unseen.push(`${method} ${url}`),
  });
  expect(await (await fetch(origin.url)).text()).toBe("answered");
  expect(await (await pool.request({ path: "/", method: "GET" })).body.text()).toBe("answered");
  expect(unseen).toEqual([]);
});

test("a request that undici sent without asking is told of", async () => {
  const origin = await openHttpOrigin((_, response) => response.end("real"));
  const { Pool: UnknownPool } = anotherUndici({ isFound: false });
  const pool = new UnknownPool(origin.url);
  onTestFinished(() => pool.destroy());
  const settings = { path: "/unseen", method: "GET" } as const;
  await (await pool.request(settings)).body.text();
  const unseen: string[] = [];
  capture(() => respond("answered"), {
    onUnseen: (method, url) => unseen.push(`${method} ${url}`),
  });
  expect(await (await pool.request(settings)).body.text()).toBe("real");
  expect(unseen).toEqual([`GET ${origin.url}/unseen`]);
});

test("settings that serve several requests of undici are several requests", async () => {
  const { asked } = capture(() => respond("ok"));
  const pool = new Pool(NOWHERE);
  onTestFinished(() => pool.destroy());
  const settings = { path: "/", method: "GET" } as const;
  for (let i = 0; i < 2; i++) await (await pool.request(settings)).body.text();
  expect(asked).toHaveLength(2);
});

test("who asks in a loop keeps nobody else waiting", async () => {
  capture(() => respond("ok"));
  let turns = 0;
  const count = (): void => void (turns++ < 100 && setImmediate(count));
  setImmediate(count);
  for (let i = 0; i < 10; i++) await (await fetch(NOWHERE)).text();
  expect(turns).toBeGreaterThan(5);
});

test("a request of undici that passes can be aborted before it is connected, and then is not sent", async () => {
  const paths: (string | undefined)[] = [];
  const origin = await openHttpOrigin(({ url }, response) => {
    paths.push(url);
    response.end("real");
  });
  capture(() => PASS);
  type Dialled = (error: null, socket: net.Socket) => void;
  const dials: Dialled[] = [];
  const connect = (_: unknown, done: unknown): void => void dials.push(done as Dialled);
  const pool = new Pool(origin.url, { connect, connections: 1 });
  onTestFinished(() => pool.destroy());
  const abort = new AbortController();
  const { signal } = abort;
  const failed = rejection(pool.request({ path: "/aborted", method: "GET", signal }));
  await until(() => dials.length === 1, "the first dial");
  abort.abort();
  expect(await failed).toMatchObject({ name: "AbortError" });
  const next = pool.request({ path: "/next", method: "GET" });
  // The connection of what was aborted is of no use: undici makes another one.
  for (const i of [0, 1]) {
    await until(() => dials.length > i, "a dial");
    const socket = net.connect(origin.port, "127.0.0.1");
    await until(socket, "connect");
    dials[i]?.(null, socket);
  }
  expect(await (await next).body.text()).toBe("real");
  expect(paths).toEqual(["/next"]);
});

test("HTTP/2, plain sockets and TLS are left alone", async () => {
  const server = http2.createServer((_, response) => response.end("two"));
  const first = net.createServer((socket) => socket.end("220 hello"));
  for (const one of [server, first]) {
    one.listen(0, "127.0.0.1");
    await until(one, "listening");
    onTestFinished(() => void one.close());
  }
  const { asked } = capture(() => respond("answered"));
  const session = http2.connect(`http://127.0.0.1:${(server.address() as net.AddressInfo).port}`);
  onTestFinished(() => session.close());
  expect(await text(session.request({ ":path": "/" }))).toBe("two");
  const socket = net.connect((first.address() as net.AddressInfo).port, "127.0.0.1");
  expect(await text(socket)).toBe("220 hello");
  expect(asked).toEqual([]);
});
