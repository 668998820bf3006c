// Responses at random, valid and broken, in random pieces: what our parser takes for a response, llhttp takes for the
// same one. Node's own client is the reference; it gets the very bytes that the engine gets.

import { get as httpGet, type IncomingMessage } from "node:http";
import { connect, createServer, type Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { createEngine } from "../../src/http/engine/create-engine.ts";
import { HeadBuffer } from "../../src/http/engine/head-buffer.ts";
import { SEED, seededRandom } from "../fixtures/seed.ts";
import { portOf } from "../fixtures/strict-origin.ts";
import { until } from "../fixtures/wait.ts";
import { openProxyFront } from "./proxy-front.ts";

const VALID = 300;
const BROKEN = 1_700;
const LANES = 20;

/** llhttp reads nothing behind an interim response that says so; to us it is a word about the connection. */
const CLOSES_EARLY = /^HTTP\/1\.1 103[^\r]*\r\n([^\r]+\r\n)*connection:[\t ]*close/i;

type Random = () => number;

/** What a client made of a response. */
interface Reading {
  readonly status: number;
  readonly fields: readonly string[];
  readonly body: string;
  readonly trailers: readonly string[];
}

interface Case {
  readonly text: string;
  readonly cuts: readonly number[];
  readonly isValid: boolean;
}

test(`what ours accepts, llhttp accepts with the same meaning (seed ${SEED})`, async () => {
  const random = seededRandom(SEED);
  const cases = Array.from({ length: VALID + BROKEN }, (_, n) => makeCase(n < VALID, random));
  const port = await openCaseServer(cases);
  const front = await openProxyFront(createEngine, `http://127.0.0.1:${port}`);
  const differences: unknown[] = [];
  let accepted = 0;
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < cases.length) {
      const n = next++;
      const [ours, reference] = await Promise.all([read(front.port, n), read(port, n)]);
      if (ours !== undefined) accepted++;
      const isSame = JSON.stringify(ours) === JSON.stringify(reference);
      const { isValid, text } = cases[n]!;
      const isFine = isSame || (ours === undefined && !isValid) || CLOSES_EARLY.test(text);
      if (!isFine) differences.push({ ...cases[n], ours, reference });
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  expect(differences.slice(0, 3)).toEqual([]);
  // Neither all nor nothing of the broken ones: else the measure would be blunt.
  expect(accepted).toBeGreaterThan(VALID + BROKEN / 10);
  expect(accepted).toBeLessThan(VALID + BROKEN * 0.9);
});

test("a head that comes byte by byte costs no more than its bytes", () => {
  const timeOf = (size: number): number => {
    const head = Buffer.from(`HTTP/1.1 200 OK\r\nX: ${"y".repeat(size - 25)}\r\n\r\n`);
    let best = Infinity;
    for (let round = 0; round < 20; round++) {
      const buffer = new HeadBuffer(1 << 20);
      const startedAt = performance.now();
      let text: string | undefined;
      for (let at = 0; at < head.length; at++) text = buffer.take(head, at, at + 1);
      best = Math.min(best, performance.now() - startedAt);
      expect(text).toBe(head.toString("latin1"));
    }
    return best;
  };
  timeOf(32_768);
  const [once, fourfold] = [timeOf(32_768), timeOf(4 * 32_768)];
  // Four times the bytes take four times the time; to look at all of them again each time would take sixteen times.
  expect(fourfold).toBeLessThan(10 * once + 5);
});

/** Answers `GET /n` with the bytes of case n, in its pieces, and ends. */
async function openCaseServer(cases: readonly Case[]): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket.on("close", () => sockets.delete(socket)).on("error", () => {}));
    socket.once("data", (head: Buffer) => {
      const number = Number(/^GET \/(\d+) /.exec(head.toString("latin1"))?.[1]);
      sendInPieces(socket, cases[number]!);
    });
  });
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  server.listen(0, "127.0.0.1");
  await until(server, "listening");
  return portOf(server);
}

function sendInPieces(socket: Socket, { text, cuts }: Case): void {
  const bytes = Buffer.from(text, "latin1");
  const ends = [...cuts, bytes.length];
  let from = 0;
  const sendNext = (): void => {
    const end = ends.shift();
    if (end === undefined) return void socket.end();
    const piece = bytes.subarray(from, end);
    from = end;
    if (socket.writable) socket.write(piece, () => setImmediate(sendNext));
  };
  sendNext();
}

/** What Node's client reads of case `n`, undefined when it takes it for no whole response. */
function read(port: number, n: number): Promise<Reading | undefined> {
  return new Promise((resolve) => {
    let response: IncomingMessage | undefined;
    // What comes behind a whole response is an error of its own, and no matter of this one.
    const onError = (): void => void (response?.complete === true || resolve(undefined));
    const headers = { Host: "localhost" };
    const request = httpGet(
      {
        port,
        host: "127.0.0.1",
        path: `/${n}`,
        headers,
        createConnection: () => connect(port, "127.0.0.1"),
      },
      (incoming) => {
        response = incoming;
        let body = "";
        incoming.on("data", (piece: Buffer) => (body += piece.toString("latin1")));
        incoming.on("end", () =>
          resolve(incoming.complete ? readingOf(incoming, body) : undefined),
        );
        incoming.on("error", onError);
        incoming.on("close", onError);
      },
    );
    request.on("error", onError);
    request.on("upgrade", (_response, socket) => {
      socket.destroy();
      resolve(undefined);
    });
  });
}

/** What belongs to one connection is not compared, and neither is what a proxy adds; its own answers are refusals. */
function readingOf(incoming: IncomingMessage, body: string): Reading | undefined {
  if (incoming.headers["crosswire-protocol"] !== undefined) return undefined;
  return {
    status: incoming.statusCode ?? 0,
    fields: endToEnd(incoming.rawHeaders),
    body,
    trailers: endToEnd(incoming.rawTrailers),
  };
}

const OF_ONE_HOP =
  /^(connection|keep-alive|transfer-encoding|content-length|date|via|te|trailer|upgrade)$/i;

function endToEnd(fields: readonly string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    if (!OF_ONE_HOP.test(fields[i]!)) kept.push(fields[i]!, fields[i + 1]!);
  }
  return kept;
}

function makeCase(isValid: boolean, random: Random): Case {
  const valid = makeResponse(random);
  const text = isValid ? valid : mutated(valid, random);
  const cuts = Array.from({ length: Math.floor(random() * 6) }, () =>
    Math.floor(random() * (text.length + 1)),
  );
  return { text, cuts: cuts.sort((a, b) => a - b), isValid };
}

function makeResponse(random: Random): string {
  const status = pick(
    ["200 OK", "200", "404 Not Found", "204 No Content", "500 ", "299 \u00e9"],
    random,
  );
  const fields = Array.from({ length: Math.floor(random() * 5) }, () =>
    pick(
      [
        "X-A: 1",
        "x-b:2",
        "X-L: \u00fc",
        "X-Empty:",
        "X-Tab:\ta\tb",
        "Set-Cookie: a=b; c",
        'ETag: "x"',
      ],
      random,
    ),
  );
  const head = (framing: string): string =>
    `HTTP/1.1 ${status.replace(/^(200|500)$/, "$1 ")}\r\n${[...fields, framing].filter((line) => line !== "").join("\r\n")}\r\n\r\n`;
  const hints = random() < 0.15 ? "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" : "";
  if (status.startsWith("204")) return hints + head("X-No: body");
  const body = "0123456789abcdef\r\n\r\n".repeat(8).slice(0, Math.floor(random() * 120));
  if (random() < 0.4) return `${hints}${head(`Content-Length: ${body.length}`)}${body}`;
  if (random() < 0.2) return `${hints}${head("Connection: close")}${body}`;
  return hints + head("Transfer-Encoding: chunked") + inChunks(body, random);
}

function inChunks(body: string, random: Random): string {
  let text = "";
  for (let at = 0; at < body.length;) {
    const chunk = body.slice(at, at + 1 + Math.floor(random() * 40));
    at += chunk.length;
    text += `${chunk.length.toString(16)}${random() < 0.2 ? ";a=b" : ""}\r\n${chunk}\r\n`;
  }
  return `${text}0\r\n${random() < 0.3 ? "X-T: 1\r\n" : ""}\r\n`;
}

const ODD = [
  "\r",
  "\n",
  "\r\n",
  " ",
  "\t",
  ":",
  ";",
  ",",
  "0",
  "1",
  "9",
  "f",
  "-",
  "+",
  "x",
  "\0",
  "\u007f",
  "\u0080",
];
const LINES = [
  "Content-Length: 3",
  "Content-Length: 0",
  "Transfer-Encoding: chunked",
  "Transfer-Encoding: gzip",
  " folded",
  "Connection: close",
];

/** One to three small wrongs, mostly in the head, where they matter most. */
function mutated(text: string, random: Random): string {
  let result = text;
  for (let count = 1 + Math.floor(random() * 3); count > 0; count--) {
    const span = random() < 0.7 ? result.indexOf("\r\n\r\n") + 4 : result.length;
    const at = Math.floor(random() * Math.max(1, span));
    const [before, after] = [result.slice(0, at), result.slice(at)];
    const lineEnd = after.indexOf("\r\n");
    result = pick(
      [
        before + pick(ODD, random) + after,
        before + after.slice(1),
        before + pick(ODD, random) + after.slice(1),
        before + after.slice(0, 5) + after,
        `${before}${after.slice(0, lineEnd)}\r\n${pick(LINES, random)}${after.slice(lineEnd)}`,
        before,
      ],
      random,
    );
  }
  return result;
}

function pick<T>(list: readonly T[], random: Random): T {
  return list[Math.floor(random() * list.length)]!;
}
