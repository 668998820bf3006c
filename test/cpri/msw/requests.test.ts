// What users of MSW write answers requests here as it does there, whichever major they have.

import { createServer } from "node:http";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { http as ours, HttpResponse as OurResponse } from "../../../src/cpri/index.ts";
import { fromMsw } from "../../../src/cpri/msw/from-msw.ts";
import type { MswHandlerInput } from "../../../src/cpri/msw/msw-handler.ts";
import { until } from "../../fixtures/wait.ts";
import { API, ask, listOf, say, VERSIONS } from "./versions.ts";

const JSON_TYPE = [["content-type", "application/json"]] as const;

describe.each(VERSIONS)(
  "%s",
  (version, { http, HttpResponse, graphql, sse, delay, passthrough, bypass }) => {
    test("answers by method, with parameters, cookies and the request", async () => {
      const list = listOf(
        http.post(`${API}/users/:id/:files+`, () => HttpResponse.text("no")),
        http.get(`${API}/users/:id`, ({ params, cookies, request, requestId }) => {
          const page = new URL(request.url).searchParams.get("page");
          return HttpResponse.json(
            { params, cookies, page, isId: requestId !== "" },
            { status: 201 },
          );
        }),
      );
      const headers = [["cookie", "a=1; b=two"]] as const;
      const said = await ask(list, `${API}/users/a%20b?page=3`, { headers });
      expect(said).toMatchObject({ kind: "respond", status: 201 });
      expect(JSON.parse(String(said.text))).toEqual({
        params: { id: "a b" },
        cookies: { a: "1", b: "two" },
        page: "3",
        isId: true,
      });
      expect(await say(list, `${API}/users/7`, { method: "DELETE" })).toBe("unhandled");
    });

    test("takes patterns, regular expressions and functions", async () => {
      const list = listOf(
        http.all(/\/files\/(\d+)$/, ({ params }) =>
          HttpResponse.text(`file ${String(params["0"])}`),
        ),
        http.all("*/anywhere/*", () => HttpResponse.text("anywhere")),
        http.all(
          ({ request }) => request.headers.has("x-mine"),
          () => HttpResponse.text("mine"),
        ),
      );
      expect(await say(list, `${API}/files/7?x`, { method: "REPORT" })).toBe("file 7");
      expect(await say(list, "http://b.io/anywhere/else")).toBe("anywhere");
      expect(await say(list, API, { headers: [["x-mine", "1"]] })).toBe("mine");
      expect(await say(list, API)).toBe("unhandled");
    });

    test("uses a handler once, even for two requests at the same time, and again after a reset", async () => {
      const once = http.get(`${API}/x`, () => HttpResponse.text("once"), { once: true });
      const list = listOf(
        once,
        http.get(`${API}/x`, () => HttpResponse.text("then")),
      );
      const both = await Promise.all([say(list, `${API}/x`), say(list, `${API}/x`)]);
      expect(both.sort()).toEqual(["once", "then"]);
      expect(list.list()[0]).toMatchObject({ label: `GET ${API}/x`, original: once });
      list.restoreHandlers();
      expect(await say(list, `${API}/x`)).toBe("once");
      expect(await say(list, `${API}/x`)).toBe("then");
      list.resetHandlers();
      expect(await say(list, `${API}/x`)).toBe("once");
    });

    test("goes on in a generator, and begins it again after a reset", async () => {
      const list = listOf(
        http.get(`${API}/poll`, function* () {
          yield HttpResponse.text("1");
          yield HttpResponse.text("2");
          return HttpResponse.text("done");
        }),
      );
      const four = async (): Promise<string[]> => {
        const said: string[] = [];
        for (let i = 0; i < 4; i++) said.push(await say(list, `${API}/poll`));
        return said;
      };
      expect(await four()).toEqual(["1", "2", "done", "done"]);
      list.resetHandlers();
      expect(await four()).toEqual(["1", "2", "done", "done"]);
    });

    test("asks the next handler after one that returns nothing, of whichever kind", async () => {
      const seen: unknown[] = [];
      const list = listOf(
        http.post("*", async ({ request }) => {
          seen.push(await request.text());
        }),
        ours.post("*", async ({ request }) => {
          seen.push(await request.text());
        }),
        http.post("*", async ({ request }) => {
          seen.push(await request.clone().json());
        }),
        graphql.link(`${API}/x`).query("Never", () => HttpResponse.json({ data: null })),
        http.post("*", async ({ request }) => HttpResponse.json({ got: await request.json() })),
        () => OurResponse.text("late"),
      );
      const sent = { method: "POST", headers: JSON_TYPE, body: '{"a":1}' };
      expect(await say(list, `${API}/x`, sent)).toBe('{"got":{"a":1}}');
      expect(seen).toEqual(['{"a":1}', '{"a":1}', { a: 1 }]);
      expect(await say(list, `${API}/x`)).toBe("late");
    });

    test("does not ask for a body that no handler reads", async () => {
      const onRead = vi.fn();
      const list = listOf(
        http.post(`${API}/other`, () => HttpResponse.text("no")),
        http.post(`${API}/x`, () => HttpResponse.text("by the head")),
      );
      const sent = { method: "POST", body: "much", onRead };
      expect(await say(list, `${API}/x`, sent)).toBe("by the head");
      expect(onRead).not.toHaveBeenCalled();
    });

    test("passes through, fails, and throws", async () => {
      const broken = new Error("broken");
      const list = listOf(
        http.get(`${API}/pass`, () => passthrough()),
        http.get(`${API}/error`, () => HttpResponse.error()),
        http.get(`${API}/thrown`, () => {
          // oxlint-disable-next-line typescript/only-throw-error -- MSW has it so.
          throw HttpResponse.text("thrown", { status: 418 });
        }),
        http.get(`${API}/broken`, () => {
          throw broken;
        }),
        http.get(`${API}/redirect`, () => HttpResponse.redirect(`${API}/pass`, 302)),
      );
      expect(await ask(list, `${API}/pass`)).toEqual({ kind: "passthrough" });
      expect(await ask(list, `${API}/error`)).toMatchObject({ kind: "error", code: "ECONNRESET" });
      expect(await ask(list, `${API}/thrown`)).toMatchObject({ status: 418, text: "thrown" });
      expect(await ask(list, `${API}/broken`)).toEqual({ kind: "exception", error: broken });
      expect(await ask(list, `${API}/redirect`)).toMatchObject({ kind: "respond", status: 302 });
    });

    test("lets go what the application itself sends with bypass(), without the mark", async () => {
      const list = listOf(http.all("*", () => HttpResponse.text("no")));
      const headersOf = (init?: RequestInit): [string, string][] => [
        ...bypass(`${API}/x`, init).headers,
      ];
      expect(await ask(list, `${API}/x`, { headers: headersOf() })).toEqual({
        kind: "passthrough",
        patch: { headers: { accept: null } },
      });
      const headers = headersOf({ headers: { accept: "text/html, */*" } });
      expect(await ask(list, `${API}/x`, { headers })).toEqual({
        kind: "passthrough",
        patch: { headers: { accept: "text/html, */*" } },
      });
    });

    test("sends the original request from within a handler", async () => {
      const server = createServer((request, response) => {
        void request
          .toArray()
          .then((pieces) => response.end(`real ${Buffer.concat(pieces).toString()}`));
      }).listen(0, "127.0.0.1");
      onTestFinished(() => void server.close());
      await until(server, "listening");
      const { port } = server.address() as { readonly port: number };
      const url = `http://127.0.0.1:${port}/x`;
      const list = listOf(
        http.post(url, async ({ request }) => {
          const real = await fetch(bypass(request));
          return HttpResponse.text(`${await real.text()}, changed; ${await request.text()}`);
        }),
      );
      const headers = [
        ["connection", "close"],
        ["content-length", "4"],
      ] as const;
      expect(await say(list, url, { method: "POST", body: "ping", headers })).toBe(
        "real ping, changed; ping",
      );
    });

    test("has bodies of all kinds both ways, streams and delays", async () => {
      const list = listOf(
        http.post(`${API}/bytes`, async ({ request }) => {
          return HttpResponse.arrayBuffer(await request.arrayBuffer());
        }),
        http.post(`${API}/form`, async ({ request }) => {
          const form = new FormData();
          form.append("sent", await request.text());
          form.append("more", "ü");
          await delay(1);
          return HttpResponse.formData(form);
        }),
        http.get(`${API}/stream`, () => {
          const stream = new ReadableStream({
            start(controller) {
              for (const piece of ["a", "b"]) controller.enqueue(Buffer.from(piece));
              controller.close();
            },
          });
          return new HttpResponse(stream, {
            headers: [
              ["set-cookie", "a=1"],
              ["set-cookie", "b=2"],
            ],
          });
        }),
      );
      const bytes = new Uint8Array([0, 255, 128]);
      const echo = await ask(list, `${API}/bytes`, { method: "POST", body: bytes });
      expect(Buffer.from(echo.bytes ?? []).toString("hex")).toBe("00ff80");
      const form = await ask(list, `${API}/form`, { method: "POST", body: "a=1" });
      expect(form.headers?.[0]?.join()).toMatch(/^content-type,multipart\/form-data; boundary=/);
      expect(form.text).toMatch(/name="sent"\s+a=1\r\n[^]*name="more"\s+ü\r\n/);
      const stream = await ask(list, `${API}/stream`);
      expect(stream.text).toBe("ab");
      expect(
        stream.headers?.filter(([name]) => name === "set-cookie").map(([, value]) => value),
      ).toEqual(["a=1", "b=2"]);
    });

    test("tells a handler that its client is gone", async () => {
      const client = new AbortController();
      const list = listOf(
        http.get(`${API}/slow`, async ({ request }) => {
          const gone = new Promise((resolve) => request.signal.addEventListener("abort", resolve));
          client.abort();
          await gone;
          return HttpResponse.text("gone");
        }),
      );
      expect(await say(list, `${API}/slow`, { signal: client.signal })).toBe("gone");
    });

    test("answers GraphQL by its operations", async () => {
      const link = graphql.link(`${API}/graphql`);
      const list = listOf(
        link.query("GetUser", ({ variables }) =>
          HttpResponse.json({ data: { id: variables["id"] } }),
        ),
        link.mutation("Rename", () => HttpResponse.json({ errors: [{ message: "no" }] })),
        link.operation(({ operationName }) => HttpResponse.json({ data: { operationName } })),
        http.all("*", () => HttpResponse.text("not GraphQL")),
      );
      const query = (text: string, variables = {}): Promise<string> =>
        say(list, `${API}/graphql`, {
          method: "POST",
          headers: JSON_TYPE,
          body: JSON.stringify({ query: text, variables }),
        });
      expect(await query("query GetUser($id: ID) { user(id: $id) { id } }", { id: 7 })).toBe(
        '{"data":{"id":7}}',
      );
      expect(await query("mutation Rename { rename }")).toBe('{"errors":[{"message":"no"}]}');
      expect(await query("query Other { x }")).toBe('{"data":{"operationName":"Other"}}');
      const get = `${API}/graphql?query=${encodeURIComponent("query Other { x }")}`;
      expect(await say(list, get)).toBe('{"data":{"operationName":"Other"}}');
      expect(await say(list, `${API}/graphql`, { method: "POST", body: "x" })).toBe("not GraphQL");
    });

    // What it needs is in Node 22, except EventSource, which MSW only looks for.
    const canStream = version === "msw 2" || "withResolvers" in Promise;
    const streaming = canStream ? [version] : [];
    test.each(streaming)("%s streams server-sent events", async () => {
      vi.stubGlobal("EventSource", EventTarget);
      onTestFinished(() => void vi.unstubAllGlobals());
      const list = listOf(
        sse(`${API}/events`, ({ client }) => {
          client.send({ data: "one" });
          client.send({ event: "named", data: "two" } as never);
          client.close();
        }),
      );
      const headers = [["accept", "text/event-stream"]] as const;
      const said = await ask(list, `${API}/events`, { headers });
      expect(said.text).toBe("data:one\n\nevent:named\ndata:two\n\n");
      expect(said.headers).toContainEqual(["content-type", "text/event-stream"]);
      expect(await say(list, `${API}/events`)).toBe("unhandled");
    });

    test("says which requests a handler could want, never leaving one out", () => {
      const of = (handler: MswHandlerInput): string => {
        const { method, outline } = fromMsw(handler as never).interest;
        return `${method} ${outline}`;
      };
      const resolver = (): undefined => undefined;
      expect(of(http.get(`${API}/Users/:id`, resolver))).toBe(`GET ${API}/Users/*`);
      expect(of(http.all(API, resolver))).toBe(`* ${API}/`);
      expect(of(http.post("HTTP://LocalHost:80/x", resolver))).toBe("POST http://localhost/x");
      expect(of(graphql.link(`${API}/graphql`).query("Q", resolver))).toBe(`* ${API}/graphql`);
      for (const [path, outline] of [
        ["/x", "/x"],
        ["*", "*"],
        ["*/x", "*/x"],
        ["*/x/:id/y", "*/x/*/y"],
        ["http://localhost:3000/a/:b/c", "http://localhost:3000/a/*/c"],
        ["https://*.io/x", "https://*.io/x"],
        ["https://:host/x", "https://*/x"],
        // What follows is not the same in all versions.
        ["http://a.io:*/x", "http://a.io*"],
        ["/user/:id?", "/user*"],
        ["/user/:id?/edit", "/user*"],
        ["/user/:files+", "/user*"],
        ["/user/(.*)", "/user*"],
        ["/a/../b", "*"],
        ["a/b", "*"],
        [/x/, "*"],
      ] as const) {
        expect(of(http.get(path, resolver))).toBe(`GET ${outline}`);
      }
      expect(of(http.get(() => true, resolver))).toBe("GET *");
    });

    test("says why none of them matched", () => {
      const [near, other] = listOf(
        http.get(`${API}/users/:id`, () => undefined),
        graphql.link("*").query("GetUser", () => undefined),
      ).list() as [never, never];
      const request = { method: "GET", location: new URL(`${API}/user/7`) };
      const why = (handler: { distance(of: typeof request): object }): object =>
        handler.distance(request);
      expect(why(near)).toEqual({
        points: 1,
        because: 'the path has "user" where the handler has "users"',
      });
      expect(why(other)).toMatchObject({ because: "it decides by more than the URL" });
    });
  },
);

test("fromMsw() refuses what is no handler of MSW", () => {
  for (const value of [null, () => undefined, {}, ours.get("*", () => undefined)]) {
    expect(() => fromMsw(value as never)).toThrow("fromMsw() takes a handler of MSW");
  }
});
