// Ten thousand exchanges that are cut at random, by clients and by the origin: none gets another's answer, each comes
// to one end, and nothing stays behind.

import { connect, type Socket } from "node:net";
import { expect, test } from "vitest";
import { createEngine } from "../../src/http/engine/create-engine.ts";
import { parseTarget } from "../../src/http/engine/target.ts";
import { acceptUpgrade } from "../fixtures/raw-server.ts";
import { SEED, seededRandom } from "../fixtures/seed.ts";
import { readResponse } from "../fixtures/strict-message.ts";
import { openStrictOrigin } from "../fixtures/strict-origin.ts";
import { turn, until } from "../fixtures/wait.ts";
import { openProxyFront } from "./proxy-front.ts";
import { chunked, get, post, RawClient, upgrade } from "./raw-client.ts";

const EXCHANGES = 10_000;
const LANES = 50;

type Random = () => number;
type Cut = (socket: Socket) => unknown;

const CUTS: readonly Cut[] = [(socket) => socket.destroy(), (socket) => socket.resetAndDestroy()];

test(
  `10,000 exchanges with random cuts leave nothing behind (seed ${SEED})`,
  { timeout: 90_000 },
  async () => {
    const random = seededRandom(SEED);
    const before = resources();
    const listenersBefore = process.eventNames().map((name) => process.listenerCount(name));
    const warnings: string[] = [];
    const onWarning = ({ name, message }: Error): void => void warnings.push(`${name}: ${message}`);
    process.on("warning", onWarning);
    const origin = await openStrictOrigin({
      onRequest: (request, socket) => respond(request.startLine.split(" ")[1]!, socket, random),
      onUpgrade: (head, socket) => {
        if (random() < 0.2) return void pick(CUTS, random)(socket);
        acceptUpgrade(socket, head);
        socket.on("data", (piece) =>
          random() < 0.1 ? pick(CUTS, random)(socket) : socket.write(piece),
        );
      },
    });
    let started = 0;
    const target = parseTarget(origin.url);
    const front = await openProxyFront(createEngine, () => {
      started++;
      return target;
    });
    const counts = { whole: 0, wrong: [] as string[] };
    let next = 0;
    const lane = async (): Promise<void> => {
      while (next < EXCHANGES) {
        const path = `/${next++}`;
        const name = await exchange(front.port, path, random);
        if (name === path) counts.whole++;
        else if (name !== undefined) counts.wrong.push(`${path} got ${name}`);
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));

    expect(counts.wrong).toEqual([]);
    expect(counts.whole).toBeGreaterThan(EXCHANGES / 4);
    expect(origin.violations).toEqual([]);
    await until(() => front.engine.stats().exchanges === 0, "the end of all exchanges");
    await until(() => front.engine.stats().tunnels === 0, "the end of all tunnels");
    await until(() => front.clients === 0, "the end of all client connections");
    await until(() => front.outcomes.waiting.length === started, "one outcome for each exchange");
    const { connections, idleConnections } = front.engine.stats();
    expect(connections).toBe(idleConnections);
    await until(() => origin.open === connections, "the origin to have no connection more");

    await front.close();
    await origin.close();
    process.off("warning", onWarning);
    expect(warnings).toEqual([]);
    expect(front.engine.stats()).toEqual({
      connections: 0,
      idleConnections: 0,
      exchanges: 0,
      tunnels: 0,
    });
    await until(() => resources() === before, `the resources to be ${before} again`);
    const listenersAfter = process.eventNames().map((name) => process.listenerCount(name));
    expect(listenersAfter).toEqual(listenersBefore);
  },
);

test("500 exchanges on one client connection leave no listener on it", async () => {
  const origin = await openStrictOrigin();
  const target = parseTarget(origin.url);
  const counts: number[] = [];
  const front = await openProxyFront(createEngine, ({ socket }) => {
    counts.push(socket.eventNames().reduce((sum, name) => sum + socket.listenerCount(name), 0));
    return target;
  });
  const client = await RawClient.connect(front.port);
  for (let n = 0; n < 500; n++) {
    client.send(n % 2 === 0 ? get() : post("body"));
    expect((await client.response()).status).toBe(200);
  }
  expect(Math.max(...counts.slice(1))).toBeLessThanOrEqual(counts[1]! + 2);
  expect(origin.connections).toBe(1);
});

/** Says the name of the request in one of many ways, or dies in the middle of it. */
function respond(path: string, socket: Socket, random: Random): void {
  const head = `HTTP/1.1 200 OK\r\nX-Name: ${path}\r\n`;
  const body = "x".repeat(Math.floor(random() ** 4 * 40_000));
  const sized = `${head}Content-Length: ${body.length}\r\n\r\n${body}`;
  const size = body.length.toString(16);
  const pieces = `${head}Transfer-Encoding: chunked\r\n\r\n${body === "" ? "" : `${size}\r\n${body}\r\n`}0\r\n\r\n`;
  const hints = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
  const answer = pick(
    [sized, pieces, hints + sized, sized.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")],
    random,
  );
  if (random() < 0.7) return void socket.write(answer, "latin1");
  if (random() < 0.1) return void socket.end(`${head}\r\n${body}`, "latin1");
  // Anywhere from before the first byte to after the last one.
  const part = answer.slice(0, Math.floor(random() * (answer.length + 1)));
  socket.write(part, "latin1", () => pick(CUTS, random)(socket));
}

/** One exchange on a connection of its own. Resolves with the name in its answer, if that came whole. */
async function exchange(port: number, path: string, random: Random): Promise<string | undefined> {
  const text = pick(requestsFor(path, "y".repeat(Math.floor(random() ** 4 * 20_000))), random);
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  socket.on("error", () => {});
  const answered = firstAnswer(socket);
  if (random() < 0.6) {
    socket.write(text, "latin1");
    const name = await answered;
    pick(CUTS, random)(socket);
    return name;
  }
  socket.write(text.slice(0, Math.floor(random() * (text.length + 1))), "latin1");
  for (let turns = Math.floor(random() * 12); turns > 0; turns--) await turn();
  pick(CUTS, random)(socket);
  return undefined;
}

function requestsFor(path: string, body: string): readonly string[] {
  const inChunks = chunked("POST", body).replace("/", path);
  return [get(path), get(path), post(body, "", path), inChunks, upgrade("", path)];
}

/** The X-Name of the first answer, or undefined when it has none or does not come whole. */
function firstAnswer(socket: Socket): Promise<string | undefined> {
  let received = Buffer.alloc(0);
  return new Promise((resolve) => {
    socket.on("close", () => resolve(undefined));
    socket.on("data", (piece) => {
      received = Buffer.concat([received, piece]);
      for (let message = readResponse(received); message !== undefined;) {
        received = received.subarray(message.size);
        const isLast = message.status >= 200 || message.status === 101;
        if (isLast) resolve(message.fields.find(([key]) => key === "X-Name")?.[1]);
        message = isLast ? undefined : readResponse(received);
      }
    });
  });
}

/** What keeps this process running, in words. The timers of this test are not counted. */
function resources(): string {
  const names = process.getActiveResourcesInfo().filter((name) => name !== "Timeout");
  return names.sort().join(" ");
}

function pick<T>(list: readonly T[], random: Random): T {
  return list[Math.floor(random() * list.length)]!;
}
