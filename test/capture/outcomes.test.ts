// Every outcome through every client: behaviours as functions, clients as data.

import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import type { Outcome } from "../../src/exchange/outcome.ts";
import { openHttpOrigin } from "../engine/http-origin.ts";
import { deferred, rejection, within } from "../fixtures/wait.ts";
import { CLIENTS, type TestClient } from "./clients.ts";
import { capture, NOWHERE, PASS, respond, textOf } from "./world.ts";

const BIG = Buffer.alloc(300_000, 7);
type Listener = Parameters<typeof openHttpOrigin>[0];

const count: Listener = (request, response) => {
  let bytes = 0;
  request.on("data", (piece: Buffer) => (bytes += piece.length));
  request.on("end", () => {
    const note = String(request.headers["x-note"] ?? "");
    response.end(`${request.method} ${request.url} ${bytes}${note}`);
  });
};

/** The error of a client, or what fetch gives as its cause. */
async function failure(promise: Promise<unknown>): Promise<NodeJS.ErrnoException> {
  const error = (await rejection(promise)) as Error & { cause?: NodeJS.ErrnoException };
  return error.cause ?? error;
}

const BEHAVIOURS: Readonly<Record<string, (client: TestClient) => Promise<void>>> = {
  "is answered, by http and https, though nobody has the name": async ({ send, kind }) => {
    const { asked } = capture(() => respond("hello", [["X-One", "1"]], 201));
    for (const scheme of ["http", "https"]) {
      const reply = await send(`${scheme}://nowhere.invalid/a?b=1`, { headers: { "x-sent": "v" } });
      expect([reply.status, reply.header("x-one"), await reply.text()]).toEqual([
        201,
        ["1"],
        "hello",
      ]);
      expect(reply.header("content-length")).toEqual(["5"]);
    }
    expect(asked.map(({ method, url, client }) => [method, url, client])).toEqual([
      ["GET", "http://nowhere.invalid/a?b=1", kind],
      ["GET", "https://nowhere.invalid/a?b=1", kind],
    ]);
    expect(asked[0]?.headers).toContainEqual(["x-sent", "v"]);
    expect(asked[0]?.id).not.toBe(asked[1]?.id);
    expect(asked.map(({ signal }) => signal.aborted)).toEqual([false, false]);
  },

  "passes through with its body": async ({ send }) => {
    const origin = await openHttpOrigin(count);
    capture(() => PASS);
    expect(await (await send(`${origin.url}/a`)).text()).toBe("GET /a 0");
    const posted = await send(`${origin.url}/b`, { method: "POST", body: BIG });
    expect(await posted.text()).toBe("POST /b 300000");
  },

  "is passed through when nobody handles it, and not asked about when nothing can match": async ({
    send,
  }) => {
    const origin = await openHttpOrigin(count);
    const { asked } = capture(() => ({ kind: "unhandled" }), {
      mayMatch: (_, url) => url.includes("maybe"),
    });
    expect(await (await send(`${origin.url}/maybe`)).text()).toBe("GET /maybe 0");
    expect(await (await send(`${origin.url}/no`)).text()).toBe("GET /no 0");
    expect(asked.map(({ url }) => url)).toEqual([`${origin.url}/maybe`]);
  },

  "keeps TLS strict, and trusts whom it trusts": async ({ send, hasTrust }) => {
    const origin = await openHttpOrigin(count, { certificate: "localhost" });
    capture(() => PASS);
    const url = origin.url.replace("127.0.0.1", "localhost");
    expect((await failure(send(url))).code).toMatch(/CERT|SIGNATURE/);
    if (hasTrust) expect(await (await send(url, { trusts: true })).text()).toBe("GET / 0");
  },

  "has its body read, or not, by whoever decides": async ({ send }) => {
    capture(async ({ url, body }) =>
      respond(url.endsWith("/read") ? await textOf(body()) : "unread"),
    );
    const read = await send(`${NOWHERE}/read`, { method: "POST", body: Buffer.from("sent") });
    expect(await read.text()).toBe("sent");
    const unread = await send(`${NOWHERE}/unread`, { method: "POST", body: BIG });
    expect(await unread.text()).toBe("unread");
  },

  "streams its body back while it is still being sent": async ({ send }) => {
    capture(({ body }) => respond(body()));
    const more = deferred();
    async function* produced(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("one");
      await within(more.promise, "the first piece to come back");
      yield Buffer.from("two");
    }
    const reply = await send(NOWHERE, { method: "POST", body: produced() });
    let received = "";
    for await (const piece of reply.body) {
      received += Buffer.from(piece).toString();
      more.resolve();
    }
    expect(received).toBe("onetwo");
  },

  "reaches the network whole after its body was read in part": async ({ send }) => {
    const origin = await openHttpOrigin(count);
    capture(async ({ body }) => {
      for await (const _ of body()) break;
      return PASS;
    });
    const reply = await send(origin.url, { method: "POST", body: BIG });
    expect(await reply.text()).toBe("POST / 300000");
  },

  "goes elsewhere when its URL, method and fields are patched": async ({ send }) => {
    const origin = await openHttpOrigin(count);
    const headers = { "x-note": "+patched", "x-gone": null };
    capture(() => ({
      kind: "passthrough",
      patch: { url: `${origin.url}/there`, method: "PUT", headers },
    }));
    const reply = await send(`${NOWHERE}/here`, {
      method: "POST",
      body: BIG,
      headers: { "x-note": "not" },
    });
    expect(await reply.text()).toBe("PUT /there 300000+patched");
  },

  "fails as the network fails": async ({ send }) => {
    let outcome: Outcome = PASS;
    capture(async ({ url, body }) => {
      if (url.endsWith("/read")) await textOf(body());
      return outcome;
    });
    for (const code of ["ECONNREFUSED", "ECONNRESET", "ENOTFOUND", "ETIMEDOUT"]) {
      outcome = { kind: "error", code };
      expect((await failure(send(`${NOWHERE}/unread`))).code).toBe(code);
      const later = await failure(send(`${NOWHERE}/read`, { method: "POST", body: BIG }));
      expect(later.code).toBe(code);
    }
  },

  "gets 500 and the reason when the decision fails": async ({ send }) => {
    let decide = (): Outcome => respond("", [], 999);
    capture(() => decide());
    expect(await (await send(NOWHERE)).text()).toContain("status 999");
    decide = () => {
      throw new RangeError("out of it");
    };
    const reply = await send(NOWHERE);
    expect([reply.status, reply.header("content-type")]).toEqual([500, ["application/json"]]);
    expect(JSON.parse(await reply.text())).toEqual({ error: "out of it", name: "RangeError" });
  },

  "gets no body for HEAD, 204 and 304, and every cookie": async ({ send }) => {
    const cookies = [
      ["Set-Cookie", "a=1"],
      ["Set-Cookie", "b=2"],
    ] as const;
    capture(({ url }) => respond("body", cookies, Number(url.slice(-3))));
    const head = await send(`${NOWHERE}/200`, { method: "HEAD" });
    expect([head.status, await head.text(), head.header("set-cookie")]).toEqual([
      200,
      "",
      ["a=1", "b=2"],
    ]);
    for (const status of [204, 304]) {
      const reply = await send(`${NOWHERE}/${status}`);
      expect([reply.status, await reply.text()]).toEqual([status, ""]);
    }
  },

  "gets compressed bytes as they are": async ({ send, decompresses }) => {
    capture(() => respond(gzipSync("small"), [["content-encoding", "gzip"]]));
    const reply = await send(NOWHERE);
    if (decompresses) expect(await reply.text()).toBe("small");
    else expect(await textOf(reply.body)).toBe(gzipSync("small").toString());
  },

  "gets an error in the middle of a body that breaks off": async ({ send }) => {
    async function* breaking(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("a");
      throw new Error("no more");
    }
    capture(() => respond(breaking()));
    const reply = await send(NOWHERE);
    expect(reply.status).toBe(200);
    await rejection(reply.text());
  },

  "is told of as given up when it aborts, while it is decided and while it is answered": async ({
    send,
  }) => {
    const gone = deferred<string>();
    capture(({ signal, url }) => {
      signal.addEventListener("abort", () => gone.resolve("aborted"));
      return url.endsWith("/never") ? new Promise(() => {}) : respond(endless());
    });
    async function* endless(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("a");
      await new Promise(() => {});
    }
    const deciding = new AbortController();
    const undecided = rejection(send(`${NOWHERE}/never`, { signal: deciding.signal }));
    setImmediate(() => deciding.abort());
    expect((await undecided) as Error).toMatchObject({
      name: expect.stringMatching(/Abort|Cancel/) as string,
    });
    expect(await within(gone.promise, "the signal")).toBe("aborted");
  },
};

describe.each(CLIENTS)("a request of $name", (client) => {
  for (const [title, run] of Object.entries(BEHAVIOURS)) {
    test(`it ${title}`, () => within(run(client), "the end of the test", 5_000));
  }
});
