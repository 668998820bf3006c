// What goes wrong before a response is told by a status and a reason, and leaves the request for another target.

import { createHash, randomBytes } from "node:crypto";
import { expect } from "vitest";
import { openStrictOrigin } from "../../fixtures/strict-origin.ts";
import { openHttpOrigin } from "../http-origin.ts";
import type { Contract } from "../proxy-front.ts";
import { chunked, get, post, RawClient } from "../raw-client.ts";

export function describeFailures({ behaviour, open }: Contract): void {
  /** The URL of a port on which nobody listens any more. */
  async function deadUrl(): Promise<string> {
    const origin = await openStrictOrigin();
    await origin.close();
    return origin.url;
  }

  behaviour("a target that is down is a 502 that names it", async () => {
    const url = await deadUrl();
    const front = await open(url);
    const client = await RawClient.connect(front.port);
    client.send(get());
    const { status, body } = await client.response();
    expect(status).toBe(502);
    expect(String(body)).toContain(url);
    const outcome = await front.outcomes.next();
    expect(outcome).toMatchObject({ status: 0, isUntouched: true, bytesUp: 0 });
    expect(outcome.failure?.code).toBe("XW_UNREACHABLE");
    // The client's connection serves on.
    client.send(get());
    expect((await client.response()).status).toBe(502);
  });

  behaviour("a name that does not exist is a 502", async () => {
    const { port } = await open("http://does-not-exist.invalid:80");
    const client = await RawClient.connect(port);
    client.send(get());
    expect((await client.response()).status).toBe(502);
  });

  behaviour("1 MB that a dead target did not take goes to the next one, whole", async () => {
    const body = randomBytes(1 << 20);
    const hash = createHash("sha256");
    const origin = await openHttpOrigin((request, response) => {
      request.on("data", (piece: Buffer) => hash.update(piece));
      request.on("end", () => response.end(hash.digest("hex")));
    });
    const { url } = await open(await deadUrl(), { fallback: origin.url });
    const response = await fetch(url, { method: "POST", body });
    expect(response.status).toBe(200);
    expect(await response.text()).toBe(createHash("sha256").update(body).digest("hex"));
  });

  behaviour("a chunked body with trailers goes to the next target too", async () => {
    const origin = await openStrictOrigin();
    const { port } = await open(await deadUrl(), { fallback: origin.url });
    const client = await RawClient.connect(port);
    client.send(chunked("POST", "abc", "", "x-t: 1\r\n"));
    expect((await client.response()).status).toBe(200);
    expect(origin.requests[0]).toMatchObject({
      body: Buffer.from("abc"),
      trailers: [["x-t", "1"]],
    });
  });

  behaviour("a request that the target may have seen is not called untouched", async () => {
    const origin = await openStrictOrigin({ onHead: (_head, socket) => void socket.destroy() });
    const front = await open(origin.url);
    const client = await RawClient.connect(front.port);
    client.send(post("x".repeat(100_000)));
    expect((await client.response()).status).toBe(502);
    expect((await front.outcomes.next()).isUntouched ?? false).toBe(false);
  });

  for (const [what, text] of [
    ["with a length", post("x".repeat(2_000))],
    ["in chunks", chunked("POST", "x".repeat(2_000))],
  ] as const) {
    behaviour(
      `a body ${what} beyond the limit is a 413, and no whole request goes up`,
      async () => {
        const origin = await openStrictOrigin();
        const front = await open(origin.url, { limits: { maxProxiedBodyBytes: 1_000 } });
        const client = await RawClient.connect(front.port);
        client.send(text);
        const { status, body } = await client.response();
        expect(status).toBe(413);
        expect(String(body)).toContain("XW_LIMIT");
        expect(origin.requests).toEqual([]);
        const other = await RawClient.connect(front.port);
        other.send(post("x".repeat(1_000)));
        expect((await other.response()).status).toBe(200);
        expect(origin.violations).toEqual([]);
      },
    );
  }

  behaviour("a large response is no matter of the limit for requests", async () => {
    const body = "x".repeat(5_000);
    const answer = `HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n${body}`;
    const origin = await openStrictOrigin({ onRequest: () => answer });
    const { port } = await open(origin.url, { limits: { maxProxiedBodyBytes: 1_000 } });
    const client = await RawClient.connect(port);
    client.send(get());
    expect(String((await client.response()).body)).toBe(body);
  });
}
