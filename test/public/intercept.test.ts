// Which requests an intercept gets, with which parameters, and how it comes and goes.

import { once } from "node:events";
import { createServer, METHODS } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { RawSocket } from "../fixtures/raw-socket.ts";
import { deferred } from "../fixtures/wait.ts";
import { ask, oneConnection, postJson } from "./intercept-ask.ts";
import { openPair, openServer } from "./pair.ts";

test("the mock of the seed answers as it is written there", async () => {
  const server = await openServer();
  server.interceptHttp("GET", "/users/:id", async (_body, pathParams) => {
    return { success: true, statusCode: 200, data: { id: pathParams.id, name: "Mock User" } };
  });
  const response = await fetch(`${server.getUrl()}/users/7`);
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe("application/json; charset=utf-8");
  expect(await response.json()).toEqual({
    success: true,
    statusCode: 200,
    data: { id: "7", name: "Mock User" },
  });
});

test("the spy of the seed sees the request and returns what fetch got", async () => {
  const real = await openServer();
  real.interceptHttp("POST", "/orders", (body) => ({ statusCode: 201, got: body }));
  const server = await openServer();
  const seen: unknown[] = [];
  const interceptor = {
    onRequest: async (body: unknown) => void seen.push(body),
    onResponse: async (response: Response) => void seen.push(response.status),
  };
  const targetUrl = `${real.getUrl()}/orders`;
  server.interceptHttp("POST", "/orders", async (body, _pathParams, headers) => {
    await interceptor.onRequest(body);
    const type = headers["content-type"] ?? "";
    const response = await fetch(targetUrl, {
      method: "POST",
      headers: { "content-type": type },
      body: JSON.stringify(body),
    });
    await interceptor.onResponse(response);
    return response;
  });
  const { status, json } = await ask(server, "/orders", postJson({ cents: 5 }));
  expect({ status, json }).toEqual({ status: 201, json: { statusCode: 201, got: { cents: 5 } } });
  expect(seen).toEqual([{ cents: 5 }, 201]);
});

interface Matching {
  readonly path: string;
  readonly asked: string;
  readonly params: Readonly<Record<string, string>>;
}

test.each<Matching>([
  { path: "/users/:id", asked: "/users/7", params: { id: "7" } },
  { path: "/users/:id", asked: "/users/", params: { id: "" } },
  { path: "/users/:id", asked: "/users/7?id=8", params: { id: "7" } },
  { path: "/users/:id", asked: "/users/J%C3%BCrgen%20%26", params: { id: "Jürgen &" } },
  { path: "/users/:id", asked: "/users/100%25", params: { id: "100%" } },
  { path: "/files/*", asked: "/files/a/b.txt", params: { "*": "a/b.txt" } },
  { path: "/*", asked: "/", params: { "*": "" } },
  { path: "*", asked: "/any", params: { "*": "/any" } },
  { path: "/at/:year(^\\d{4}$)", asked: "/at/2026", params: { year: "2026" } },
  { path: "/:lat-:long", asked: "/12-34", params: { lat: "12", long: "34" } },
  { path: "/:file.:ext", asked: "/a.png", params: { file: "a", ext: "png" } },
  { path: "/at/:h(^\\d+)h:m(^\\d+)m", asked: "/at/12h30m", params: { h: "12", m: "30" } },
  { path: "/posts/:id?", asked: "/posts/1", params: { id: "1" } },
  { path: "/posts/:id?", asked: "/posts", params: {} },
  { path: "/ns::name", asked: "/ns:name", params: {} },
  { path: "/café", asked: "/caf%c3%a9", params: {} },
  { path: "/@scope%2fname", asked: "/@scope%2Fname", params: {} },
  { path: "/a b", asked: "/a%20b", params: {} },
  {
    path: "/:__proto__/:constructor",
    asked: "/a/b",
    params: { ["__proto__"]: "a", constructor: "b" },
  },
  { path: "/:toString", asked: "/hasOwnProperty", params: { toString: "hasOwnProperty" } },
])("$path gets $asked with its parameters", async ({ path, asked, params }) => {
  const server = await openServer();
  let seen: object = {};
  server.interceptHttp("GET", path, (_body, pathParams) => void (seen = pathParams));
  expect((await ask(server, asked)).status).toBe(200);
  expect(Object.getPrototypeOf(seen)).toBe(null);
  expect(Object.entries(seen)).toEqual(Object.entries(params));
});

test.each([
  { path: "/users/:id", asked: "/users" },
  { path: "/users/:id", asked: "/users/7/posts" },
  { path: "/users/:id", asked: "//users/7" },
  { path: "/users/:id(^.+$)", asked: "/users/" },
  { path: "/users", asked: "/Users" },
  { path: "/users", asked: "/users/" },
  { path: "/at/:year(^\\d{4}$)", asked: "/at/26" },
  { path: "/users", asked: "/users%2f" },
])("$path does not get $asked", async ({ path, asked }) => {
  const server = await openServer();
  server.interceptHttp("GET", path, () => "mine");
  const { status, json } = await ask(server, asked);
  expect(status).toBe(404);
  expect(json).toMatchObject({ code: "XW_REFUSED" });
});

test("static parts win over parameters, and those over wildcards", async () => {
  const server = await openServer();
  server.interceptHttp("GET", "/*", () => "wildcard");
  server.interceptHttp("GET", "/users/:id", () => "parameter");
  server.interceptHttp("GET", "/users/me", () => "static");
  const asked = ["/users/me", "/users/7", "/users/7/posts"];
  const answers = await Promise.all(asked.map((path) => ask(server, path)));
  expect(answers.map(({ json }) => json)).toEqual(["static", "parameter", "wildcard"]);
});

test("every method of HTTP can be intercepted", async () => {
  const server = await openServer();
  const methods = METHODS.filter((method) => method !== "CONNECT" && method !== "HEAD");
  for (const method of methods) server.interceptHttp(method, "/", () => method);
  for (const method of methods) {
    expect(await ask(server, "/", { method })).toMatchObject({ status: 200, json: method });
  }
});

test('"*" gets what no intercept of its own method gets', async () => {
  const server = await openServer();
  server.interceptHttp(
    "*",
    "/users/:id",
    (_body, _params, _headers, { method }) => `any ${method}`,
  );
  server.interceptHttp("GET", "/users/:id", () => "GET");
  expect((await ask(server, "/users/1")).json).toBe("GET");
  expect((await ask(server, "/users/1", { method: "DELETE" })).json).toBe("any DELETE");
  expect((await ask(server, "/users/1", { method: "PURGE" })).json).toBe("any PURGE");
});

test("HEAD is answered by the GET handler, without its body", async () => {
  const server = await openServer();
  server.interceptHttp("*", "/*", () => "any");
  server.interceptHttp("GET", "/users/:id", (_body, { id }) => ({ id }));
  const { status, headers, text } = await ask(server, "/users/7", { method: "HEAD" });
  expect({ status, text, length: headers["content-length"] }).toEqual({
    status: 200,
    text: "",
    length: String('{"id":"7"}'.length),
  });
});

test("HEAD has intercepts of its own", async () => {
  const server = await openServer();
  server.interceptHttp("GET", "/users", () => "get");
  server.interceptHttp("HEAD", "/users", () => ({ statusCode: 404 }));
  expect((await ask(server, "/users", { method: "HEAD" })).status).toBe(404);
  expect((await ask(server, "/users")).status).toBe(200);
});

test("an intercept can be added and removed while the server runs", async () => {
  const server = await openServer();
  expect((await ask(server, "/a")).status).toBe(404);
  server.interceptHttp("GET", "/a", () => 1);
  expect((await ask(server, "/a")).json).toBe(1);
  expect(server.removeInterceptHttp("GET", "/a")).toBe(true);
  expect(server.removeInterceptHttp("GET", "/a")).toBe(false);
  expect(server.removeInterceptHttp("PUT", "/b")).toBe(false);
  expect((await ask(server, "/a")).status).toBe(404);
});

test("a later handler of the same path takes over, and the undo of the earlier leaves it alone", async () => {
  const server = await openServer();
  const undoFirst = server.interceptHttp("GET", "/a/:x", () => "first");
  const undoSecond = server.interceptHttp("GET", "/a/:x", () => "second");
  expect((await ask(server, "/a/1")).json).toBe("second");
  undoFirst();
  expect((await ask(server, "/a/1")).json).toBe("second");
  undoSecond();
  expect((await ask(server, "/a/1")).status).toBe(404);
  undoSecond();
});

test("the undo of one that was removed does not remove one that was added since", async () => {
  const server = await openServer();
  const undo = server.interceptHttp("GET", "/a", () => "old");
  server.removeInterceptHttp("GET", "/a");
  server.interceptHttp("GET", "/a", () => "new");
  undo();
  expect((await ask(server, "/a")).json).toBe("new");
});

test("where an intercept was removed, the less specific one answers", async () => {
  const server = await openServer();
  server.interceptHttp("GET", "/users/:id", () => "parameter");
  const undo = server.interceptHttp("GET", "/users/me", () => "static");
  expect((await ask(server, "/users/me")).json).toBe("static");
  undo();
  expect((await ask(server, "/users/me")).json).toBe("parameter");
});

test("a path that means the same as another is refused, until the other is gone", async () => {
  const server = await openServer();
  server.interceptHttp("GET", "/users/:id", () => "id");
  const addSame = () => server.interceptHttp("GET", "/users/:name?", (_body, { name }) => [name]);
  expect(addSame).toThrow(/"\/users\/:name\?" cannot be intercepted: another one/);
  expect((await ask(server, "/users")).status).toBe(404);
  expect((await ask(server, "/users/1")).json).toBe("id");
  server.removeInterceptHttp("GET", "/users/:id");
  addSame();
  expect((await ask(server, "/users/1")).json).toEqual(["1"]);
  expect((await ask(server, "/users")).json).toEqual([null]);
});

test("adding and removing under load never answers with a wrong handler", async () => {
  const server = await openServer();
  const agent = oneConnection();
  server.interceptHttp("GET", "/:n", (_body, { n }) => `any ${n}`);
  for (let round = 0; round < 60; round++) {
    const undo = server.interceptHttp("GET", `/${round}`, () => `own ${round}`);
    const asked = ask(server, `/${round}`, { agent }).then(({ json }) => json);
    const other = ask(server, `/x${round}`, { agent }).then(({ json }) => json);
    expect(await asked).toBe(`own ${round}`);
    undo();
    expect(await other).toBe(`any x${round}`);
    expect((await ask(server, `/${round}`, { agent })).json).toBe(`any ${round}`);
  }
});

test("a handler that was removed while it runs still gives its answer", async () => {
  const server = await openServer();
  const entered = deferred();
  const release = deferred();
  const undo = server.interceptHttp("GET", "/slow", async () => {
    entered.resolve();
    await release.promise;
    return "done";
  });
  const answer = ask(server, "/slow");
  await entered.promise;
  undo();
  release.resolve();
  expect((await answer).json).toBe("done");
});

test("intercepts can be registered before the server starts, and leave its clients alone", async () => {
  const { server, client } = await openPair();
  server.interceptHttp("*", "/*", () => "everything");
  expect((await ask(server, "/__crosswire/ipc")).json).toBe("everything");
  expect(client.isConnected()).toBe(true);
  await client.disconnect();
  await client.connect();
  expect(client.isConnected()).toBe(true);
});

test("requests that come at once on one connection are answered in their order", async () => {
  const server = await openServer();
  const slow = deferred();
  server.interceptHttp("GET", "/:n", async (_body, { n }) => {
    if (n === "1") await slow.promise;
    else slow.resolve();
    return n;
  });
  const raw = await RawSocket.connect(server.getPort());
  const host = `127.0.0.1:${server.getPort()}`;
  raw.write(["1", "2", "3"].map((n) => `GET /${n} HTTP/1.1\r\nHost: ${host}\r\n\r\n`).join(""));
  const bodies = [await raw.answer(), await raw.answer(), await raw.answer()];
  expect(bodies.map(({ body }) => body)).toEqual(['"1"', '"2"', '"3"']);
});

test("OPTIONS * is not about a path, so no intercept gets it", async () => {
  const server = await openServer();
  server.interceptHttp("*", "/", () => "root");
  server.interceptHttp("*", "*", () => "all");
  expect((await ask(server, "*", { method: "OPTIONS" })).status).toBe(404);
});

test("an intercept is asked before the proxy resolver, which gets the rest as it came", async () => {
  const real = createServer(({ url }, response) => {
    response.setHeader("content-type", "application/json").end(JSON.stringify(`real ${url}`));
  });
  onTestFinished(() => {
    real.close();
    real.closeAllConnections();
  });
  await once(real.listen(0, "127.0.0.1"), "listening");
  const { port } = real.address() as { port: number };
  const server = await openServer();
  server.setRouteProxyResolver(() => `http://127.0.0.1:${port}`);
  const undo = server.interceptHttp("GET", "/users/:id", (_body, { id }) => `mock ${id}`);
  expect((await ask(server, "/users/7")).json).toBe("mock 7");
  expect((await ask(server, "/users/7", { method: "PUT" })).json).toBe("real /users/7");
  expect((await ask(server, "/other/a%2fb?c")).json).toBe("real /other/a%2fb?c");
  expect((await ask(server, "/other/%zz")).json).toBe("real /other/%zz");
  undo();
  expect((await ask(server, "/users/7")).json).toBe("real /users/7");
});

test("a request in absolute form is matched by its path", async () => {
  const server = await openServer();
  server.interceptHttp("GET", "/a/:b", (_body, { b }, _headers, { url }) => [b, url]);
  expect((await ask(server, `${server.getUrl()}/a/1?q=2`)).json).toEqual(["1", "/a/1?q=2"]);
});

test.each([
  { method: "get", path: "/", why: "write GET, in upper case" },
  { method: "FETCH", path: "/", why: 'it is no HTTP method; use one like GET, or "*" for all' },
  { method: "CONNECT", path: "/", why: "a front answers it by itself" },
  { method: undefined, path: "/", why: "give it as a string" },
  { method: "GET", path: "", why: "it has to begin with a slash" },
  { method: "GET", path: "users", why: "it has to begin with a slash" },
  { method: "GET", path: 7, why: "give it as a string" },
  { method: "GET", path: "/users?x=1", why: "a query is no part of a path" },
  { method: "GET", path: "/users?", why: "a query is no part of a path" },
  { method: "GET", path: "/:id?/posts", why: "Optional Parameter needs to be the last parameter" },
  { method: "GET", path: "/users/:", why: "a parameter has no name" },
  { method: "GET", path: "/a%20b", why: "write it decoded" },
  { method: "GET", path: "/*/x", why: "Wildcard must be the last character" },
  { method: "GET", path: "/:id(", why: "Invalid regexp" },
  { method: "GET", path: "/:id((a+)+)", why: "not safe" },
])("$method $path is refused at once: $why", async ({ method, path, why }) => {
  const server = await openServer();
  const add = () => server.interceptHttp(method as string, path as string, () => 1);
  expect(add).toThrow(TypeError);
  expect(add).toThrow(why);
  expect((await ask(server, "/")).status).toBe(404);
});

test("what is no handler or no option is refused at once", async () => {
  const server = await openServer();
  const noHandler = () => server.interceptHttp("GET", "/", "text" as never);
  expect(noHandler).toThrow('The intercept of GET "/" needs a function as its handler, not text.');
  const noOption = () => server.interceptHttp("GET", "/", () => 1, { body: "raw" as "parse" });
  expect(noOption).toThrow('The intercept of GET "/" has the body raw');
});
