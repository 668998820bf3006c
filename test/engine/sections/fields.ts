// Which fields cross the proxy, which end at it, and which it adds.

import { expect } from "vitest";
import { type OriginRequest, openStrictOrigin } from "../../fixtures/strict-origin.ts";
import { valuesOf } from "../../fixtures/strict-message.ts";
import { parseTarget } from "../../../src/http/engine/target.ts";
import type { Contract, FrontOptions } from "../proxy-front.ts";
import { get, post, RawClient } from "../raw-client.ts";

export function describeFields({ behaviour, open }: Contract): void {
  /** What the origin got for the text that a client sent. */
  async function forwarded(text: string, options?: FrontOptions): Promise<OriginRequest> {
    const origin = await openStrictOrigin();
    const { port } = await open(origin.url, options);
    const client = await RawClient.connect(port);
    client.send(text);
    expect((await client.response()).status).toBe(200);
    expect(origin.violations).toEqual([]);
    return origin.requests[0]!;
  }

  /** The head that a client got for the fields that the origin sent. */
  async function relayed(lines: string): Promise<{ head: string; body: string }> {
    const answer = `HTTP/1.1 200 OK\r\n${lines}Content-Length: 2\r\n\r\nok`;
    const origin = await openStrictOrigin({ onRequest: () => answer });
    const { port } = await open(origin.url);
    const client = await RawClient.connect(port);
    client.send(get());
    const { head, body } = await client.response();
    return { head, body: String(body) };
  }

  behaviour("a request keeps the case, the order and the duplicates of its fields", async () => {
    const { head } = await forwarded(get("/", "X-A: 1\r\nx-CASE: y\r\nX-A: 2\r\nCookie: a=1\r\n"));
    expect(head).toMatch(/X-A: ?1\r\nx-CASE: ?y\r\nX-A: ?2\r\nCookie: ?a=1\r\n/);
  });

  behaviour("a response keeps the case, the order and the duplicates of its fields", async () => {
    const { head } = await relayed("X-B: 1\r\nSet-Cookie: a=1\r\nSET-Cookie: b=2\r\nx-b: 2\r\n");
    expect(head).toMatch(/X-B: 1\r\nSet-Cookie: a=1\r\nSET-Cookie: b=2\r\nx-b: 2\r\n/);
  });

  behaviour("a response keeps its status text, and bytes beyond ASCII in its values", async () => {
    const answer =
      "HTTP/1.1 299 Some\u00e9thing Odd\r\nX-L: \u00fc\u00ff\r\nContent-Length: 0\r\n\r\n";
    const origin = await openStrictOrigin({ onRequest: () => answer });
    const { port } = await open(origin.url);
    const client = await RawClient.connect(port);
    client.send(get("/", "X-U: \u00fc\u00ff\r\n"));
    const { startLine, head } = await client.response();
    expect(startLine).toBe("HTTP/1.1 299 Some\u00e9thing Odd");
    expect(head).toContain("X-L: \u00fc\u00ff\r\n");
    expect(origin.requests[0]?.head).toMatch(/X-U: ?\u00fc\u00ff\r\n/);
  });

  behaviour("a head that leaves before its body keeps bytes beyond ASCII", async () => {
    const head = "HTTP/1.1 299 Some\u00e9thing\r\nX-L: \u00fc\u00ff\r\nContent-Length: 2\r\n\r\n";
    const origin = await openStrictOrigin({ onRequest: () => head });
    const { port } = await open(origin.url);
    const client = await RawClient.connect(port);
    client.send(get());
    const received = await client.received("\r\n\r\n");
    expect(received).toMatch(/^HTTP\/1\.1 299 Some\u00e9thing\r\n/);
    expect(received).toMatch(/\r\nX-L: \u00fc\u00ff\r\n/);
  });

  behaviour("a response gets no Server invented, and keeps the Date it came with", async () => {
    const { head } = await relayed("Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n");
    expect(head).not.toMatch(/^server:/im);
    expect(head.match(/^date:.*/gim)).toEqual(["Date: Thu, 01 Jan 1970 00:00:00 GMT"]);
  });

  behaviour("fields of one hop end at the proxy on the way up", async () => {
    const { fields } = await forwarded(
      get(
        "/",
        "Connection: close, x-hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nProxy-Authorization: B\r\n" +
          "Proxy-Connection: k\r\nHTTP2-Settings: AAA\r\nUpgrade: h2c\r\n",
      ),
    );
    const names = new Set(fields.map(([name]) => name.toLowerCase()));
    const single = ["x-hop", "keep-alive", "proxy-authorization", "proxy-connection"];
    const leaked = [...single, "http2-settings", "upgrade"].filter((name) => names.has(name));
    expect(leaked).toEqual([]);
    expect(valuesOf(fields, "connection").join()).not.toMatch(/x-hop|close/i);
  });

  behaviour("fields of one hop end at the proxy on the way down", async () => {
    const { head, body } = await relayed(
      "Connection: keep-alive, x-hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=99\r\n" +
        "Proxy-Authenticate: Basic\r\nProxy-Connection: k\r\nUpgrade: h2c\r\n",
    );
    expect(head).not.toMatch(/x-hop|timeout=99|proxy-auth|proxy-conn|h2c/i);
    expect(body).toBe("ok");
  });

  behaviour("of TE only trailers is passed on", async () => {
    const { fields } = await forwarded(
      get("/", "Connection: TE\r\nTE: trailers, deflate;q=0.5\r\n"),
    );
    expect(valuesOf(fields, "te").join()).toMatch(/^(trailers)?$/);
  });

  behaviour("a client cannot have its framing or its Host stripped by nominating it", async () => {
    const lines = "Connection: keep-alive, content-length, transfer-encoding, host, expect\r\n";
    const { fields, body } = await forwarded(post("abc", lines));
    expect(valuesOf(fields, "content-length").join()).toBe("3");
    expect(valuesOf(fields, "host")).toHaveLength(1);
    expect(String(body)).toBe("abc");
  });

  behaviour("an origin cannot have its framing stripped by nominating it", async () => {
    const { body } = await relayed("Connection: keep-alive, content-length\r\n");
    expect(body).toBe("ok");
  });

  behaviour(
    "a nominated field is stripped whatever its case, and as often as it occurs",
    async () => {
      const { head } = await forwarded(
        get("/", "X-Hop: 1\r\nConnection: X-HOP , ,x-two\r\nx-hop: 2\r\nX-Two: 3\r\nX-Tw: 4\r\n"),
      );
      expect(head).not.toMatch(/x-hop|x-two/i);
      expect(head).toMatch(/X-Tw: ?4/);
    },
  );

  behaviour("what a client claims about who forwarded its request is overwritten", async () => {
    const claims =
      "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: https\r\n" +
      "X-Forwarded-Port: 6666\r\nForwarded: for=6.6.6.6;host=evil.example\r\nx-forwarded-for: 6.6.6.7\r\n";
    const { fields, head } = await forwarded(get("/", claims));
    expect(head).not.toMatch(/6\.6\.6\.|evil|6666/);
    expect(valuesOf(fields, "x-forwarded-for")).toEqual(["127.0.0.1"]);
    expect(valuesOf(fields, "x-forwarded-host")).toEqual(["localhost"]);
    expect(valuesOf(fields, "x-forwarded-proto")).toEqual(["http"]);
  });

  behaviour("with trustForwarded the claim is kept and added to", async () => {
    const claims =
      "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: outer.example\r\n" +
      "Forwarded: for=6.6.6.6\r\n";
    const { fields } = await forwarded(get("/", claims), { trustForwarded: true });
    const all = (name: string): string => valuesOf(fields, name).join(", ");
    expect(all("x-forwarded-for")).toMatch(/^6\.6\.6\.6, ?127\.0\.0\.1$/);
    expect(all("forwarded")).toMatch(/^for=6\.6\.6\.6, ?.*127\.0\.0\.1/);
    expect(all("x-forwarded-proto")).toMatch(/^https/);
    expect(all("x-forwarded-host")).toMatch(/^outer\.example/);
  });

  behaviour(
    "both sides are told in Via that there is a proxy, after those that were there",
    async () => {
      const answer = "HTTP/1.1 200 OK\r\nVia: 1.0 far\r\nContent-Length: 0\r\n\r\n";
      const origin = await openStrictOrigin({ onRequest: () => answer });
      const { port } = await open(origin.url);
      const client = await RawClient.connect(port);
      client.send(get("/", "Via: 1.0 near\r\n"));
      const { fields } = await client.response();
      expect(valuesOf(origin.requests[0]!.fields, "via").join(", ")).toMatch(
        /^1\.0 near, ?1\.1 \S+$/,
      );
      expect(valuesOf(fields, "via").join(", ")).toMatch(/^1\.0 far(, ?1\.1 \S+)?$/);
    },
  );

  behaviour("a request that comes back to its own proxy is answered with 508", async () => {
    const itself = { port: 0 };
    const front = await open(() => parseTarget(`http://127.0.0.1:${itself.port}`));
    itself.port = front.port;
    const client = await RawClient.connect(front.port);
    client.send(get());
    const { status, body } = await client.response();
    expect(status).toBe(508);
    expect(String(body)).toContain("XW_LOOP");
    const first = await front.outcomes.next();
    expect(first).toMatchObject({ status: 0, failure: { code: "XW_LOOP" } });
  });

  behaviour("the Via of another proxy is no loop", async () => {
    const origin = await openStrictOrigin();
    const inner = await open(origin.url);
    const outer = await open(inner.url);
    const client = await RawClient.connect(outer.port);
    client.send(get());
    expect((await client.response()).status).toBe(200);
  });

  behaviour("fields named like an object's own properties pass like any other", async () => {
    const { head } = await forwarded(
      get("/", "__proto__: a\r\nconstructor: b\r\nhasOwnProperty: c\r\n"),
    );
    expect(head).toMatch(/__proto__: ?a\r\nconstructor: ?b\r\nhasOwnProperty: ?c\r\n/);
  });
}
