// Real processes that are killed or stopped at moments that chance picks: every call settles, and none
// that must not runs twice. The runs are read from what the other process wrote down before it died.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type CrosswireError, IPCClient, type IPCClientOptions, IPCServer } from "crosswire";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Child, startChild } from "../fixtures/child.ts";
import { hang, often, once } from "../fixtures/children/recorded-calls.ts";
import { SEED, seededRandom } from "../fixtures/seed.ts";
import { rejection, until, within } from "../fixtures/wait.ts";
import { openServer } from "../public/pair.ts";

interface Recording {
  readonly child: Child;
  readonly port: number;
}

function logFile(name: string): string {
  const file = join(String(process.env["CROSSWIRE_RUNTIME_DIR"]), `${name}.log`);
  writeFileSync(file, "");
  return file;
}

/** How often each id stands in the file. */
function runsIn(file: string): Map<number, number> {
  const runs = new Map<number, number>();
  for (const line of readFileSync(file, "utf8").split("\n")) {
    if (line !== "") runs.set(Number(line), 1 + (runs.get(Number(line)) ?? 0));
  }
  return runs;
}

async function startRecording(file: string, port = 0): Promise<Recording> {
  const env = { LOG_FILE: file, PORT: String(port) };
  const child = startChild("recording-server.ts", { env });
  return { child, port: Number(await child.lines.next()) };
}

async function connected(port: number, options: IPCClientOptions = {}): Promise<IPCClient> {
  const client = new IPCClient(port, options);
  onTestFinished(() => client.disconnect());
  await client.connect("parent");
  return client;
}

test(`a server that is killed six times: calls settle once, and run once (seed ${SEED})`, async () => {
  const random = seededRandom(SEED);
  const file = logFile("killed-server");
  const first = await startRecording(file);
  const { port } = first;
  let { child } = first;
  const client = await connected(port, { reconnect: { initialDelayMs: 2, maxDelayMs: 20 } });
  const outcomes = new Map<number, string | CrosswireError>();
  const stop = new AbortController();
  let nextId = 0;
  const lane = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      const id = nextId++;
      const call = client.sendFrameworkRequest(id % 3 === 0 ? often : once, id);
      outcomes.set(id, await call.catch((error: CrosswireError) => error));
    }
  };
  const lanes = Array.from({ length: 30 }, lane);
  for (let kills = 0; kills < 6; kills++) {
    const goal = outcomes.size + 20 + Math.floor(random() * 400);
    await until(() => outcomes.size >= goal, "more calls to settle");
    child.process.kill("SIGKILL");
    ({ child } = await startRecording(file, port));
  }
  const goal = outcomes.size + 200;
  await until(() => outcomes.size >= goal, "calls after the last kill");
  stop.abort();
  await within(Promise.all(lanes), "the last calls to settle");

  const runs = runsIn(file);
  let lost = 0;
  for (const [id, outcome] of outcomes) {
    const ran = runs.get(id) ?? 0;
    if (outcome === `answer ${id}`) expect(ran, `runs of ${id}`).toBeGreaterThan(0);
    else expect(outcome).toMatchObject({ code: "XW_CONNECTION_LOST", maybeDelivered: true });
    if (outcome !== `answer ${id}`) lost++;
    if (id % 3 === 0) expect(outcome).toBe(`answer ${id}`);
    else expect(ran, `runs of ${id}`).toBeLessThan(2);
  }
  expect(outcomes.size).toBe(nextId);
  expect(lost).toBeGreaterThan(0);
});

test(`clients that are killed: the server forgets them, and nothing ran twice (seed ${SEED})`, async () => {
  const random = seededRandom(SEED);
  const server = await openServer();
  const runs = new Map<number, number>();
  let hanging = 0;
  const reasons: unknown[] = [];
  server.onFrameworkMessage(once, async (id, { signal }) => {
    runs.set(id, 1 + (runs.get(id) ?? 0));
    if (id % 50 === 49) {
      hanging++;
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      reasons.push(signal.reason);
    }
    return `answer ${id}`;
  });
  for (let kills = 0; kills < 4; kills++) {
    const env = {
      PORT: String(server.getPort()),
      RUNTIME_ID: "victim",
      FIRST_ID: String(kills * 1_000_000),
    };
    const child = startChild("calling-client.ts", { env });
    const goal = runs.size + 50 + Math.floor(random() * 500);
    await until(() => runs.size >= goal, "calls to run");
    const failed = rejection(server.sendFrameworkMessage("victim", hang, undefined, 60_000));
    child.process.kill("SIGKILL");
    expect(await failed).toMatchObject({ code: "XW_CONNECTION_LOST" });
    await until(() => server.clients().length === 0, "the server to forget the client");
  }
  expect([...runs].filter(([, ran]) => ran > 1)).toEqual([]);
  expect(hanging).toBeGreaterThan(4);
  expect(reasons).toHaveLength(hanging);
  for (const reason of reasons) expect(reason).toMatchObject({ code: "XW_CONNECTION_LOST" });
});

describe("a server that is stopped without being ended", () => {
  const limits = { heartbeatQuietMs: 100, heartbeatReplyMs: 200, connectTimeoutMs: 400 };
  const boundMs = 2 * limits.heartbeatQuietMs + limits.heartbeatReplyMs;
  const slackMs = 1_500;

  test("costs its clients their calls, by name, as soon as the heartbeat can know", async () => {
    const { child, port } = await startRecording(logFile("stopped"));
    const client = await connected(port, { limits });
    expect(await client.sendFrameworkRequest(once, 1)).toBe("answer 1");
    child.process.kill("SIGSTOP");
    const start = performance.now();
    const error = (await rejection(client.sendFrameworkRequest(once, 2))) as CrosswireError;
    expect(performance.now() - start).toBeLessThan(boundMs + slackMs);
    expect(error).toMatchObject({ code: "XW_CONNECTION_LOST", maybeDelivered: true });
    expect(error.message).toContain("no sign of life");
  });

  test("lets nobody connect, and says in time that it accepts but does not answer", async () => {
    const { child, port } = await startRecording(logFile("stopped-early"));
    child.process.kill("SIGSTOP");
    const client = new IPCClient(port, { limits });
    const start = performance.now();
    const error = (await rejection(client.connect())) as CrosswireError;
    expect(performance.now() - start).toBeLessThan(limits.connectTimeoutMs + slackMs);
    expect(error).toMatchObject({ code: "XW_TIMEOUT" });
    expect(error.message).toContain("stopped");
  });

  test("has its clients back when it goes on, and ran nothing twice", async () => {
    const file = logFile("continued");
    const { child, port } = await startRecording(file);
    const reconnect = { initialDelayMs: 10, maxDelayMs: 50 };
    const client = await connected(port, { limits, reconnect });
    const lost = new Promise((resolve) => client.onClose(resolve));
    child.process.kill("SIGSTOP");
    const inFlight = rejection(client.sendFrameworkRequest(once, 1));
    const repeated = client.sendFrameworkRequest(often, 2);
    await lost;
    const patient = client.sendFrameworkRequest(once, 3);
    expect(await inFlight).toMatchObject({ maybeDelivered: true });
    child.process.kill("SIGCONT");
    expect(await patient).toBe("answer 3");
    expect(await repeated).toBe("answer 2");
    const runs = runsIn(file);
    expect(runs.get(1) ?? 0).toBeLessThan(2);
    expect(runs.get(3)).toBe(1);
  });
});

describe("the runtime file of a server that was killed", () => {
  test("does not keep a client waiting for somebody who is gone", async () => {
    const { child, port } = await startRecording(logFile("gone"));
    child.process.kill("SIGKILL");
    await child.exited();
    const client = new IPCClient(port);
    const start = performance.now();
    expect(await rejection(client.connect())).toMatchObject({ code: "XW_UNREACHABLE" });
    expect(performance.now() - start).toBeLessThan(2_000);
  });

  test("does not confuse the next server on its port, nor that server's clients", async () => {
    const { child, port } = await startRecording(logFile("next"));
    child.process.kill("SIGKILL");
    await child.exited();
    const next = new IPCServer(port);
    onTestFinished(() => next.close());
    next.onFrameworkMessage(once, (id) => `next ${id}`);
    expect(await next.start()).toBe(true);
    const client = await connected(port);
    expect(await client.sendFrameworkRequest(once, 4)).toBe("next 4");
  });
});

test("a process ends by itself once everything it opened is closed", async () => {
  const child = startChild("open-and-close.ts");
  expect(await child.lines.next()).toBe("closed");
  const exit = await within(child.exited(), "the process to end", 2_000);
  expect(exit).toEqual({ code: 0, signal: null });
  expect(child.stderr()).not.toContain("Crosswire");
});

test("what is in the background keeps no process alive, though it stays open", async () => {
  const child = startChild("background.ts");
  expect(await child.lines.next()).toBe("7");
  const exit = await within(child.exited(), "the process to end", 2_000);
  expect(exit).toEqual({ code: 0, signal: null });
});
