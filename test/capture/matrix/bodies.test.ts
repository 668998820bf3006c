// Bodies that take their time: what is large, what comes in pieces, what breaks off, and what comes after it.

import { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { expect, onTestFinished, test } from "vitest";
import { openHttpOrigin } from "../../engine/http-origin.ts";
import { type Deferred, deferred, rejection, turn, within } from "../../fixtures/wait.ts";
import { CLIENTS, type Reply, type TestClient, UNDICI_COPIES } from "../clients.ts";
import { capture, NOWHERE, PASS, respond } from "../world.ts";
import { reset } from "./face.ts";

const PIECE = Buffer.alloc(64 * 1024);
const PIECES = 320;
/** What may be under way between two ends in one process. */
const MAX_LAG_BYTES = 1_500_000;

type Failure = NodeJS.ErrnoException & { readonly cause?: NodeJS.ErrnoException };

interface Upload {
  produced: number;
  lag: number;
}

async function* upload(state: Upload): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < PIECES; i++) {
    state.produced += PIECE.length;
    yield PIECE;
  }
}

/** Reads slowly at first, so that whoever sends has every chance to run ahead. */
async function slowly(body: AsyncIterable<Uint8Array>, state: Upload): Promise<number> {
  let bytes = 0;
  for await (const piece of body) {
    bytes += piece.length;
    if (bytes < 4_000_000) await turn();
    state.lag = Math.max(state.lag, state.produced - bytes);
  }
  return bytes;
}

/** One of each kind; axios keeps what it sends for a redirect, and so reads it as fast as it comes. */
const SENDERS = CLIENTS.filter(({ name }) => /^fetch|node-fetch|request$|got/.test(name));

test.each(SENDERS)("$name sends 20 MB no faster than they are read", async ({ send }) => {
  const state = { produced: 0, lag: 0 };
  capture(async ({ body }) => respond(String(await slowly(body(), state))));
  const reply = await send(NOWHERE, { method: "POST", body: upload(state) });
  expect(await reply.text()).toBe(String(PIECES * PIECE.length));
  expect(state.lag).toBeLessThan(MAX_LAG_BYTES);
});

test("20 MB pass through whole", async () => {
  const origin = await openHttpOrigin((request, response) => {
    const state = { produced: 0, lag: 0 };
    void slowly(request, state).then((bytes) => response.end(String(bytes)));
  });
  capture(() => PASS);
  const clients = CLIENTS.filter(({ name }) =>
    ["fetch", "http.request", "undici.request"].includes(name),
  );
  for (const { send } of clients) {
    const body = upload({ produced: 0, lag: 0 });
    const reply = await send(origin.url, { method: "POST", body });
    expect(await reply.text()).toBe(String(PIECES * PIECE.length));
  }
  expect(clients).toHaveLength(3);
});

test("every client gets the pieces of an answer one by one, answered or real", async () => {
  const wanted = new Map<string, Deferred<void>>();
  async function* pieces(url: string): AsyncGenerator<Uint8Array> {
    yield Buffer.from("one");
    await wanted.get(new URL(url, NOWHERE).pathname)?.promise;
    yield Buffer.from("two");
  }
  const origin = await openHttpOrigin(({ url = "" }, response) => {
    void pipeline(pieces(url), response);
  });
  capture(({ url }) => (url.startsWith(NOWHERE) ? respond(pieces(url)) : PASS));
  const read = async (url: string, { body }: Reply): Promise<string> => {
    let received = "";
    for await (const piece of body) {
      received += Buffer.from(piece).toString();
      // The second one is not there before the first one has arrived.
      wanted.get(new URL(url).pathname)?.resolve();
    }
    return received;
  };
  const all = CLIENTS.flatMap(({ send }, i) =>
    [NOWHERE, origin.url].map(async (base, j) => {
      const url = `${base}/${i}.${j}`;
      wanted.set(new URL(url).pathname, deferred());
      return read(url, await send(url));
    }),
  );
  const received = await within(Promise.all(all), "all pieces");
  expect(new Set(received)).toEqual(new Set(["onetwo"]));
});

test("an answer that breaks off fails to every client as a real one does", async () => {
  const headers = [["content-length", "10"]] as const;
  const origin = await openHttpOrigin(({ socket }, response) => {
    response.writeHead(200, headers.flat());
    response.write("abc", () => setImmediate(() => reset(socket)));
  });
  async function* breaking(): AsyncGenerator<Uint8Array> {
    yield Buffer.from("abc");
    await turn();
    throw new Error("no more");
  }
  const codes = async (): Promise<unknown> => {
    const codeOf = async ({ name, send }: TestClient): Promise<[string, unknown]> => {
      const reply = await send(origin.url);
      const error = (await rejection(reply.text())) as Failure;
      const { code } = error.cause ?? error;
      // Whether undici finds a reset or an end there is a matter of the system.
      return [name, code === "UND_ERR_SOCKET" ? "ECONNRESET" : code];
    };
    return Object.fromEntries(await Promise.all(CLIENTS.map(codeOf)));
  };
  const real = await codes();
  capture(() => respond(breaking(), headers));
  expect(await codes()).toEqual(real);
});

test("trailers reach every client that shows them, answered or real", async () => {
  const origin = await openHttpOrigin((_, response) => {
    response.writeHead(200, { trailer: "x-sum" });
    response.write("real");
    response.addTrailers({ "x-sum": "9" });
    response.end();
  });
  capture(({ url }) =>
    url.startsWith(NOWHERE) ? { ...respond("answered"), trailers: [["X-Sum", "9"]] } : PASS,
  );
  const trailersAt = CLIENTS.map(async ({ name, send }) => {
    const shown: unknown[] = [];
    for (const url of [NOWHERE, origin.url]) {
      const reply = await send(url);
      await reply.text();
      shown.push(reply.trailers?.());
    }
    return [name, ...shown];
  });
  const all = await Promise.all(trailersAt);
  const showing = all.filter(([, trailers]) => trailers !== undefined);
  expect(showing.length).toBeGreaterThan(10);
  const sum = { "x-sum": "9" };
  expect(showing).toEqual(showing.map(([name]) => [name, sum, sum]));
});

test.each(UNDICI_COPIES)("%s streams an answer to where it is told", async (_, copy) => {
  capture(() => respond("answered"));
  const pool = new copy.Pool(NOWHERE, {});
  onTestFinished(() => pool.destroy());
  let written = "";
  const write = (piece: Buffer, _encoding: string, done: () => void): void => {
    written += piece.toString();
    done();
  };
  const into = (): Writable => new Writable({ write });
  await pool.stream({ path: "/", method: "GET", opaque: undefined }, into);
  expect(written).toBe("answered");
});
