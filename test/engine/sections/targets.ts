// Targets of every kind: TLS, Unix sockets, IPv6, base paths.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished } from "vitest";
import { parseTarget, type TargetOptions } from "../../../src/http/engine/target.ts";
import { openStrictOrigin } from "../../fixtures/strict-origin.ts";
import { valuesOf } from "../../fixtures/strict-message.ts";
import { CA, openHttpOrigin } from "../http-origin.ts";
import type { Contract } from "../proxy-front.ts";
import { get, post, RawClient } from "../raw-client.ts";

export function describeTargets({ behaviour, open }: Contract): void {
  /** The answer of a TLS origin that says who asked, over a target with these options. */
  async function secure(
    certificate: "localhost" | "other",
    options: TargetOptions,
    host = "localhost",
  ): Promise<{ status: number; text: string }> {
    const origin = await openHttpOrigin(
      (request, response) => void request.pipe(response.setHeader("x-host", request.headers.host!)),
      { certificate },
    );
    const { port } = await open(parseTarget(`https://${host}:${origin.port}`, options));
    const client = await RawClient.connect(port);
    client.send(post("over TLS"));
    const { status, head, body } = await client.response();
    return { status, text: head + String(body) };
  }

  behaviour("an HTTPS target whose certificate is trusted is served", async () => {
    const { status, text } = await secure("localhost", { ca: CA });
    expect(status).toBe(200);
    expect(text).toMatch(/over TLS$/);
  });

  behaviour("an HTTPS target by its address is served", async () => {
    expect((await secure("localhost", { ca: CA }, "127.0.0.1")).status).toBe(200);
  });

  behaviour("an HTTPS target that nobody vouches for is a 502", async () => {
    const { status, text } = await secure("localhost", {});
    expect(status).toBe(502);
    expect(text).toMatch(/certificate/i);
  });

  behaviour("an HTTPS target with the certificate of another name is a 502", async () => {
    expect((await secure("other", { ca: CA })).status).toBe(502);
  });

  behaviour("an HTTPS target may be trusted blindly, or by another name", async () => {
    expect((await secure("localhost", { insecure: true })).status).toBe(200);
    expect((await secure("other", { ca: CA, servername: "other.example" })).status).toBe(200);
  });

  behaviour(
    "what was trusted for one target is not for another with the same address",
    async () => {
      const origin = await openHttpOrigin((_request, response) => void response.end("ok"), {
        certificate: "localhost",
      });
      const url = `https://localhost:${origin.port}`;
      const [trusting, strict] = [parseTarget(url, { insecure: true }), parseTarget(url)];
      const { port } = await open((request) => (request.url === "/strict" ? strict : trusting));
      const client = await RawClient.connect(port);
      client.send(get("/trusting"));
      expect((await client.response()).status).toBe(200);
      client.send(get("/strict"));
      expect((await client.response()).status).toBe(502);
    },
  );

  behaviour("connections to an HTTPS target are kept", async () => {
    const origin = await openHttpOrigin((request, response) => void request.pipe(response), {
      certificate: "localhost",
    });
    const { port } = await open(parseTarget(`https://localhost:${origin.port}`, { ca: CA }));
    const client = await RawClient.connect(port);
    for (let n = 0; n < 5; n++) {
      client.send(post("x".repeat(50_000)));
      expect((await client.response()).body).toHaveLength(50_000);
    }
    expect(origin.connections).toBe(1);
  });

  behaviour("a plain server behind an HTTPS target is a 502", async () => {
    const origin = await openHttpOrigin((_request, response) => void response.end());
    const { port } = await open(parseTarget(`https://localhost:${origin.port}`, { ca: CA }));
    const client = await RawClient.connect(port);
    client.send(get());
    expect((await client.response()).status).toBe(502);
  });

  behaviour("an IPv6 target is served", async () => {
    const origin = await openStrictOrigin({ host: "::1" });
    const { port } = await open(origin.url);
    const client = await RawClient.connect(port);
    client.send(get());
    expect((await client.response()).status).toBe(200);
  });

  behaviour(
    "localhost finds a server that listens on IPv6 only, and one on IPv4 only",
    async () => {
      for (const host of ["::1", "127.0.0.1"]) {
        const origin = await openStrictOrigin({ host });
        const { port } = await open(`http://localhost:${origin.port}`);
        const client = await RawClient.connect(port);
        client.send(get());
        expect((await client.response()).status).toBe(200);
      }
    },
  );

  behaviour("a target on a Unix socket is served, and its connections are kept", async () => {
    const folder = mkdtempSync(join(tmpdir(), "crosswire-engine-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const path = join(folder, "s");
    const origin = await openStrictOrigin({ path });
    const { port } = await open(`http+unix:${path}`);
    const client = await RawClient.connect(port);
    for (let n = 0; n < 3; n++) {
      client.send(post("x"));
      expect((await client.response()).status).toBe(200);
    }
    expect(origin.connections).toBe(1);
  });

  behaviour("a base path is put before the path", async () => {
    const origin = await openStrictOrigin();
    const { port } = await open(`${origin.url}/base/`);
    const client = await RawClient.connect(port);
    client.send(get("/a//b?c=http://d//e"));
    await client.response();
    expect(origin.requests[0]?.startLine).toBe("GET /base/a//b?c=http://d//e HTTP/1.1");
  });

  behaviour("the target sees the client's Host, or its own when it asks for that", async () => {
    const origin = await openStrictOrigin();
    for (const [host, expected] of [
      ["client", "localhost"],
      ["target", `127.0.0.1:${origin.port}`],
    ] as const) {
      const { port } = await open(parseTarget(origin.url, { host }));
      const client = await RawClient.connect(port);
      client.send(get());
      await client.response();
      expect(valuesOf(origin.requests.at(-1)!.fields, "host")).toEqual([expected]);
    }
    expect(valuesOf(origin.requests.at(-1)!.fields, "x-forwarded-host")).toEqual(["localhost"]);
  });
}
