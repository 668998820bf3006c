// The application: it sends, and counts what it gets. Who answers is decided before its first request.

import http, { Agent } from "node:http";
import { once } from "node:events";
import { WebSocket } from "ws";
import {
  BODY_BYTES,
  type Done,
  MOCKED,
  type Operation,
  type Peer,
  type Task,
  USER,
} from "./tasks.ts";

const [peer, originPort, name] = process.argv.slice(2) as [Peer, string, string];
const origin = `http://127.0.0.1:${originPort}`;
const base = peer === "plain" || peer === "idle" ? origin : MOCKED;
const RSS_EVERY_MS = 10;
const EXPECTED = JSON.stringify(USER);

let stopCapture: (() => Promise<void>) | undefined;
await prepare();
const agent = new Agent({ keepAlive: true });
let socket: WebSocket | undefined;

const operations: Record<Operation, () => Promise<void>> = {
  fetch: async () => check(await (await fetch(`${base}/users/7`)).text()),
  http: async () => check(await get(`${base}/users/7`)),
  body: readBody,
  frame: echo,
};

process.on("disconnect", () => process.exit());
process.on("message", (task: Task) => void carryOut(task));
process.send?.("ready");

async function prepare(): Promise<void> {
  if (peer === "msw") {
    const { setupServer } = await import("msw/node");
    const msw = await import("msw");
    setupServer(msw.http.get(`${MOCKED}/users/:id`, () => msw.HttpResponse.json(USER))).listen();
  } else if (peer !== "plain") {
    await startCapture();
  }
}

async function startCapture(): Promise<void> {
  if (stopCapture !== undefined) return;
  const { setupServer } = await import("../../src/cpri/setup.ts");
  const server = setupServer({ remote: { enable: true, name, force: true } });
  server.listen();
  stopCapture = () => server.close();
  // The first request waits until it is known who wants what.
  await fetch(origin).then((response) => response.text());
}

async function endCapture(): Promise<void> {
  await stopCapture?.();
  stopCapture = undefined;
}

async function carryOut(task: Task): Promise<void> {
  if (peer === "idle") await (task.isCapturing ? startCapture() : endCapture());
  process.send?.(await run(task));
}

async function run({
  operation,
  inFlight,
  seconds = Infinity,
  count = Infinity,
}: Task): Promise<Done> {
  const operate = operations[operation];
  await operate();
  const micros: number[] = [];
  const rssBefore = process.memoryUsage.rss();
  let rssHighest = rssBefore;
  const watch = setInterval(() => {
    rssHighest = Math.max(rssHighest, process.memoryUsage.rss());
  }, RSS_EVERY_MS);
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  const end = startedAt + seconds * 1000;
  let begun = 0;
  const lane = async (): Promise<void> => {
    for (let now = performance.now(); now < end && begun < count;) {
      begun++;
      const before = now;
      await operate();
      now = performance.now();
      micros.push((now - before) * 1000);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  const { user, system } = process.cpuUsage(cpuBefore);
  clearInterval(watch);
  micros.sort((a, b) => a - b);
  return {
    count: micros.length,
    seconds: (performance.now() - startedAt) / 1000,
    cpuMicros: user + system,
    p50Micros: micros[Math.floor(micros.length / 2)] ?? Number.NaN,
    rssGrowthBytes: rssHighest - rssBefore,
    resources: process.getActiveResourcesInfo().length,
  };
}

function get(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = http.get(url, { agent }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (piece: string) => (text += piece));
      response.on("end", () => resolve(text)).on("error", reject);
    });
    request.on("error", reject);
  });
}

async function readBody(): Promise<void> {
  const response = await fetch(`${base}/body`);
  let size = 0;
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) size += chunk.length;
  if (size !== BODY_BYTES) throw new Error(`The body had ${size} bytes.`);
}

async function echo(): Promise<void> {
  if (socket === undefined) {
    socket = new WebSocket(`${base.replace("http", "ws")}/frames`);
    await once(socket, "open");
  }
  const answered = once(socket, "message");
  socket.send(EXPECTED);
  const [data] = (await answered) as [Buffer];
  check(data.toString());
}

/** A fast answer that is wrong is none. */
function check(text: string): void {
  if (text !== EXPECTED) throw new Error(`The answer was ${text}.`);
}
