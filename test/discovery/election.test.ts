// Who is elected: one, however many join at the same moment, and whatever they are: members of a process, threads, or
// workers of a cluster, which would share a port if they were let.

import { fork } from "node:child_process";
import { Worker } from "node:worker_threads";
import type { JoinOptions } from "crosswire/discovery";
import { expect, onTestFinished, test } from "vitest";
import { until } from "../fixtures/wait.ts";
import type { WorkerOptions, WorkerWord } from "./fixtures/children/member-thread.ts";
import { freePort } from "./fixtures/member-port.ts";
import { childScript, firstWord } from "./fixtures/member-process.ts";
import { join, leaderOf, NAME } from "./fixtures/member-world.ts";

const THREADS = 3;

test("of many that join at the same moment one leads", async () => {
  const port = await freePort();
  const members = await Promise.all(Array.from({ length: 20 }, () => join(port)));
  expect(members.filter(({ isLeader }) => isLeader)).toHaveLength(1);
  expect(new Set(members.map(({ epoch, url }) => `${epoch} ${url}`)).size).toBe(1);
  // And again when all followers lose it at the same moment.
  const leader = members.find(({ isLeader }) => isLeader)!;
  const { epoch: first } = leader;
  const others = members.filter((member) => member !== leader);
  await leader.close();
  const { epoch: next } = await leaderOf(others);
  expect(next).toBeGreaterThan(first);
  expect(others.filter(({ isLeader }) => isLeader)).toHaveLength(1);
  expect(new Set(others.map(({ epoch }) => epoch))).toEqual(new Set([next]));
});

test("of the threads of a process one leads", async () => {
  const port = await freePort();
  const options: JoinOptions = { port, name: NAME };
  const threads = Array.from(
    { length: THREADS },
    () => new Worker(childScript("member-thread.js"), { workerData: options }),
  );
  onTestFinished(() => void Promise.all(threads.map((thread) => thread.terminate())));
  const standings = await Promise.all(threads.map(firstWord));
  expect(standings.filter(({ isLeader }) => isLeader)).toHaveLength(1);
  expect(new Set(standings.map(({ url }) => url))).toEqual(new Set([`http://127.0.0.1:${port}`]));
  const follower = await join(port);
  expect(follower).toMatchObject({ isLeader: false, epoch: standings[0]?.epoch });
  // Each thread ends by itself when its member is closed: nothing keeps it.
  const ends = threads.map((thread) => until(thread, "exit"));
  for (const thread of threads) thread.postMessage("close");
  expect(await Promise.all(ends)).toEqual(threads.map(() => [0]));
  await until(() => follower.isLeader, "the follower to lead");
});

test("of the workers of a cluster one leads", async () => {
  const [port, bidPort] = [await freePort(), await freePort()];
  const options: WorkerOptions = { port, bidPort, name: NAME };
  const env = { ...process.env, WORKERS: "2", MEMBER_OPTIONS: JSON.stringify(options) };
  const primary = fork(childScript("member-cluster.js"), [childScript("member-thread.js")], {
    env,
  });
  onTestFinished(() => void primary.kill("SIGKILL"));
  const [standings] = (await until(primary, "message")) as [WorkerWord[]];
  expect(standings.filter(({ isLeader }) => isLeader)).toHaveLength(1);
  // Also where both take it for free, so that nothing but the port decides.
  expect(standings.map(({ hasWonBid }) => hasWonBid)).toContain(false);
  expect(standings.filter(({ hasWonBid }) => hasWonBid)).toHaveLength(1);
  expect(await join(port)).toMatchObject({ isLeader: false, epoch: standings[0]?.epoch });
  primary.send("close");
  const [words] = await until(primary, "message");
  expect(words).toEqual(["closed", "closed"]);
  await until(primary, "exit");
});
