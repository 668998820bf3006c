// Each wait has its bound, and what is slow on purpose is not taken for dead. Where something must not be cut, the
// test waits for something else that is.

import { createServer } from "node:net";
import { expect, onTestFinished } from "vitest";
import { openStrictOrigin, portOf } from "../../fixtures/strict-origin.ts";
import { until } from "../../fixtures/wait.ts";
import { openHttpOrigin } from "../http-origin.ts";
import type { Contract } from "../proxy-front.ts";
import { get, RawClient } from "../raw-client.ts";

const SHORT_MS = 300;
const PACE_MS = 25;
const CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n";

export function describeTimeouts({ behaviour, open }: Contract): void {
  behaviour("a target that accepts and never shakes hands is a 504", async () => {
    const sockets = new Set<{ destroy(): void }>();
    const server = createServer((socket) => {
      sockets.add(socket.on("error", () => {}).on("close", () => sockets.delete(socket)));
      socket.resume();
    });
    server.listen(0, "127.0.0.1");
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    await until(server, "listening");
    const url = `https://localhost:${portOf(server)}`;
    const front = await open(url, { limits: { proxyConnectTimeoutMs: SHORT_MS } });
    const client = await RawClient.connect(front.port);
    client.send(get());
    const { status, body } = await client.response();
    expect(status).toBe(504);
    expect(String(body)).toContain("XW_TIMEOUT");
    expect(await front.outcomes.next()).toMatchObject({ status: 0, isUntouched: true });
    await until(() => sockets.size === 0, "the attempt to be given up");
  });

  behaviour("a target that has the request and says nothing is a 504", async () => {
    const origin = await openStrictOrigin({ onRequest: () => undefined });
    const front = await open(origin.url, { limits: { proxyHeadTimeoutMs: SHORT_MS } });
    const client = await RawClient.connect(front.port);
    client.send(get());
    const { status, body } = await client.response();
    expect(status).toBe(504);
    expect(String(body)).toContain("XW_TIMEOUT");
    await until(() => origin.open === 0, "the end of the upstream connection");
  });

  behaviour("a target that stops in the middle of its head is a 504", async () => {
    const origin = await openStrictOrigin({ onRequest: () => "HTTP/1.1 200 OK\r\nX: " });
    const front = await open(origin.url, { limits: { proxyHeadTimeoutMs: SHORT_MS } });
    const client = await RawClient.connect(front.port);
    client.send(get());
    expect((await client.response()).status).toBe(504);
  });

  behaviour("a response that stands still is cut", async () => {
    const origin = await openStrictOrigin({ onRequest: () => `${CHUNKED}\r\n1\r\na\r\n` });
    const front = await open(origin.url, { limits: { proxyIdleTimeoutMs: SHORT_MS } });
    const client = await RawClient.connect(front.port);
    client.send(get());
    await client.received("1\r\na\r\n");
    expect(await client.rest()).not.toContain("0\r\n\r\n");
    expect((await front.outcomes.next()).failure?.code).toBe("XW_TIMEOUT");
    await until(() => origin.open === 0, "the end of the upstream connection");
  });

  behaviour("an upload that stands still is ended", async () => {
    const origin = await openStrictOrigin();
    const front = await open(origin.url, { limits: { proxyIdleTimeoutMs: SHORT_MS } });
    const client = await RawClient.connect(front.port);
    client.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc");
    await client.raw.closed();
    expect((await front.outcomes.next()).failure?.code).toBe("XW_TIMEOUT");
    await until(() => origin.open === 0, "the end of the upstream connection");
  });

  behaviour("an event stream may be silent for longer than anything else", async () => {
    const origin = await openHttpOrigin((request, response) => {
      const isStream = request.url === "/events";
      response.writeHead(200, isStream ? { "content-type": "text/event-stream" } : {});
      response.write("data: 1\n\n");
      if (isStream) origin.server.once("more", () => response.end("data: 2\n\n"));
    });
    const { port } = await open(origin.url, { limits: { proxyIdleTimeoutMs: SHORT_MS } });
    const listener = await RawClient.connect(port);
    listener.send(get("/events"));
    await listener.received("data: 1");
    for (let n = 0; n < 2; n++) {
      const other = await RawClient.connect(port);
      other.send(get("/stalled"));
      await other.raw.closed();
    }
    expect(listener.raw.isClosed).toBe(false);
    origin.server.emit("more");
    expect(String((await listener.response()).body)).toBe("data: 1\n\ndata: 2\n\n");
  });

  behaviour(
    "a slow but steady upload outlives the bounds on standing still and on the head",
    async () => {
      const origin = await openStrictOrigin();
      const limits = { proxyIdleTimeoutMs: SHORT_MS, proxyHeadTimeoutMs: SHORT_MS };
      const { port } = await open(origin.url, { limits });
      const [steady, stalled] = [await RawClient.connect(port), await RawClient.connect(port)];
      const head = "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
      steady.send(head);
      const pace = setInterval(() => steady.send("1\r\na\r\n"), PACE_MS);
      onTestFinished(() => clearInterval(pace));
      stalled.send(head);
      await stalled.raw.closed();
      clearInterval(pace);
      steady.send("0\r\n\r\n");
      expect((await steady.response()).status).toBe(200);
    },
  );

  behaviour("a slow but steady response outlives the bound on standing still", async () => {
    const origin = await openStrictOrigin({
      onRequest: ({ startLine }, socket) => {
        if (startLine.includes("steady")) {
          const pace = setInterval(() => socket.write("1\r\na\r\n"), PACE_MS);
          socket.on("close", () => clearInterval(pace));
        }
        return `${CHUNKED}\r\n1\r\na\r\n`;
      },
    });
    const { port } = await open(origin.url, { limits: { proxyIdleTimeoutMs: SHORT_MS } });
    const [steady, stalled] = [await RawClient.connect(port), await RawClient.connect(port)];
    steady.send(get("/steady"));
    await steady.received("\r\n\r\n");
    stalled.send(get("/stalled"));
    await stalled.raw.closed();
    expect(steady.raw.isClosed).toBe(false);
  });

  behaviour("an exchange has a bound as a whole, however busy it is", async () => {
    const origin = await openStrictOrigin({
      onRequest: (_request, socket) => {
        const pace = setInterval(() => socket.write("1\r\na\r\n"), PACE_MS);
        socket.on("close", () => clearInterval(pace));
        return `${CHUNKED}\r\n`;
      },
    });
    const front = await open(origin.url, { limits: { proxyTotalTimeoutMs: 2 * SHORT_MS } });
    const client = await RawClient.connect(front.port);
    client.send(get());
    await client.raw.closed();
    expect(await front.outcomes.next()).toMatchObject({
      status: 200,
      failure: { code: "XW_TIMEOUT" },
    });
    await until(() => origin.open === 0, "the end of the upstream connection");
  });

  behaviour("a request that waits in line for too long is told so", async () => {
    const origin = await openStrictOrigin({ onRequest: () => undefined });
    const limits = { maxTargetConnections: 1, proxyTotalTimeoutMs: SHORT_MS };
    const front = await open(origin.url, { limits });
    const clients = [await RawClient.connect(front.port), await RawClient.connect(front.port)];
    for (const client of clients) client.send(get());
    const statuses = await Promise.all(clients.map((client) => client.response()));
    expect(statuses.map(({ status }) => status)).toEqual([504, 504]);
  });
}
