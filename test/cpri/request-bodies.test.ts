// The bodies that an application sends: read by whoever wants them, and by nobody else.

import { request as httpRequest } from "node:http";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { http } from "../../src/cpri/handlers/http-handlers.ts";
import { HttpResponse } from "../../src/cpri/handlers/http-response.ts";
import { openHttpOrigin } from "../engine/http-origin.ts";
import { deferred, rejection, until, within } from "../fixtures/wait.ts";
import { NOWHERE, pair, textAt } from "./world.ts";

const MB = 1_000_000;
const STREAMED = { method: "POST", duplex: "half" } as const;

function post(body: RequestInit["body"]): RequestInit {
  return { method: "POST", body: body ?? null };
}

/** So many pieces of 50 kB, and how many of them were taken. */
function pieces(count: number): { readonly body: AsyncIterable<Uint8Array>; taken: number } {
  const made = { body: produce(), taken: 0 };
  async function* produce(): AsyncGenerator<Uint8Array> {
    while (made.taken < count) {
      made.taken++;
      yield new Uint8Array(50_000).fill(made.taken);
    }
  }
  return made;
}

test("a handler reads JSON, bytes and forms as they were sent", async () => {
  await pair([
    http.post("*/json", async ({ request }) => HttpResponse.json(await request.json())),
    http.post("*/bytes", async ({ request }) => new Response(await request.arrayBuffer())),
    http.post("*/form", async ({ request }) => {
      // oxlint-disable-next-line typescript/no-deprecated -- what handlers are given has it.
      const form = await request.formData();
      const file = form.get("file") as File;
      return HttpResponse.json([form.get("field"), file.name, await file.text()]);
    }),
  ]);
  expect(JSON.parse(await textAt("/json", post(JSON.stringify({ a: ["ü"] }))))).toEqual({
    a: ["ü"],
  });
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
  const reply = await fetch(`${NOWHERE}/bytes`, post(bytes));
  expect(new Uint8Array(await reply.arrayBuffer())).toEqual(bytes);
  const form = new FormData();
  form.set("field", "value");
  form.set("file", new Blob(["content"]), "a.txt");
  expect(JSON.parse(await textAt("/form", post(form)))).toEqual(["value", "a.txt", "content"]);
});

test("a request without a body has none, also where its method could have one", async () => {
  await pair([
    http.get("*", ({ request }) => HttpResponse.text(String(request.body))),
    http.delete("*", async ({ request }) => HttpResponse.text(`<${await request.text()}>`)),
  ]);
  expect(await textAt("/")).toBe("null");
  expect(await textAt("/", { method: "DELETE" })).toBe("<>");
});

test("an upload of 5 MB arrives whole", async () => {
  await pair([
    http.put("*", async ({ request }) => {
      const bytes = new Uint8Array(await request.arrayBuffer());
      return HttpResponse.json([bytes.length, bytes.reduce((sum, byte) => sum + byte, 0)]);
    }),
  ]);
  const { body } = pieces(100);
  const reply = await fetch(NOWHERE, {
    ...STREAMED,
    method: "PUT",
    body: Readable.from(body) as never,
  });
  expect(await reply.json()).toEqual([5 * MB, 50_000 * 5_050]);
});

test("an upload is held back while its handler does not read", async () => {
  const goOn = deferred();
  const upload = pieces(200);
  await pair([
    http.post("*", async ({ request }) => {
      const reader = (request.body as ReadableStream<Uint8Array>).getReader();
      let size = (await reader.read()).value?.length ?? 0;
      await goOn.promise;
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return HttpResponse.text(String(size));
        size += value.length;
      }
    }),
  ]);
  const reply = fetch(NOWHERE, { ...STREAMED, body: Readable.from(upload.body) as never });
  let before = -1;
  // It has stopped when nothing more was taken for a while of real work.
  await until(() => {
    const isStill = upload.taken > 0 && upload.taken === before;
    before = upload.taken;
    return isStill;
  });
  expect(upload.taken * 50_000).toBeLessThan(5 * MB);
  goOn.resolve();
  expect(await (await within(reply, "the answer")).text()).toBe(String(10 * MB));
});

test("a body that nobody reads is not taken from the client before it is answered", async () => {
  await pair([http.post("*", () => HttpResponse.text("unread"))]);
  const outgoing = httpRequest(NOWHERE, { method: "POST", headers: { expect: "100-continue" } });
  let isWanted = false;
  outgoing.on("continue", () => (isWanted = true));
  outgoing.flushHeaders();
  const [response] = await until(outgoing, "response");
  expect((response as { statusCode: number }).statusCode).toBe(200);
  expect(isWanted).toBe(false);
  outgoing.destroy();
});

test("several handlers read the same body, and the network gets it whole at last", async () => {
  const origin = await openHttpOrigin((incoming, response) => void incoming.pipe(response));
  const seen: string[] = [];
  const reading = http.post("*", async ({ request }) => void seen.push(await request.text()));
  const { receiver } = await pair([
    reading,
    http.post("*", async ({ request }) => void seen.push(await request.text())),
  ]);
  await receiver([http.post("*", async ({ request }) => void seen.push(await request.text()))]);
  const reply = await fetch(origin.url, post("the same"));
  expect(await reply.text()).toBe("the same");
  expect(seen).toEqual(["the same", "the same", "the same"]);
});

test("receivers and own handlers read the same body, one after the other", async () => {
  const seen: string[] = [];
  const made = await pair(
    [http.post("*", async ({ request }) => void seen.push(await request.text()))],
    { onUnhandledRequest: async (request) => void seen.push(await request.text()) },
  );
  await made.receiver(
    [http.post("*", async ({ request }) => void seen.push(await request.text()))],
    {
      onUnhandledRequest: async (request) => void seen.push(await request.text()),
    },
  );
  const origin = await openHttpOrigin((incoming, response) => void incoming.pipe(response));
  expect(await (await fetch(origin.url, post("x".repeat(200_000)))).text()).toHaveLength(200_000);
  expect(seen.map((body) => body.length)).toEqual([200_000, 200_000, 200_000]);
});

test("the stream of a request is given back as the stream of the answer, while it is still sent", async () => {
  await pair([http.post("*", ({ request }) => new Response(request.body))]);
  const more = deferred();
  async function* produced(): AsyncGenerator<Uint8Array> {
    yield Buffer.from("one");
    await within(more.promise, "the first piece to come back");
    yield Buffer.from("two");
  }
  // A client of fetch hears nothing before it has sent everything.
  const outgoing = httpRequest(NOWHERE, { method: "POST" });
  Readable.from(produced()).pipe(outgoing);
  const [response] = await until(outgoing, "response");
  let got = "";
  for await (const piece of response as AsyncIterable<Buffer>) {
    got += piece.toString();
    more.resolve();
  }
  expect(got).toBe("onetwo");
});

test("a handler may answer after it has read a part of an upload", async () => {
  await pair([
    http.post("*", async ({ request }) => {
      const { value } = await (request.body as ReadableStream<Uint8Array>).getReader().read();
      return HttpResponse.text(String((value?.length ?? 0) > 0));
    }),
  ]);
  const outgoing = httpRequest(NOWHERE, { method: "POST" });
  outgoing.on("error", () => {});
  Readable.from(pieces(100).body).pipe(outgoing);
  const [response] = await until(outgoing, "response");
  expect(await text(response as Readable)).toBe("true");
  outgoing.destroy();
});

test("what a handler did not read cannot be read later, and says so", async () => {
  let late: Request | undefined;
  await pair([
    http.post("*", ({ request }) => {
      late = request;
      return HttpResponse.text("answered");
    }),
  ]);
  await textAt("/", post("x"));
  expect(await rejection((late as Request).text())).toMatchObject({ code: "XW_CANCELLED" });
});

test("the calls of a handler show what it was sent, also once it has been answered", async () => {
  const handler = http.post("*/orders/:id", async ({ request }) => {
    await request.text();
    return HttpResponse.text("ordered");
  });
  await pair([handler]);
  await textAt("/orders/7", post('{"item":7}'));
  expect(handler.calls).toMatchObject([
    { method: "POST", url: `${NOWHERE}/orders/7`, params: { id: "7" } },
  ]);
  expect(await handler.calls[0]?.request.json()).toEqual({ item: 7 });
});
