// A runner that starts worker processes and commands each by its runtimeId. Run it: npx tsx examples/workers/index.ts

// #region runner
import { type ChildProcess, spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { fileURLToPath } from "node:url";
import { IPCServer } from "crosswire";
import { countWords, reportReady } from "./commands.ts";

const WORKER = fileURLToPath(new URL("worker.ts", import.meta.url));

// #endregion
export async function main(): Promise<void> {
  // #region runner
  const server = new IPCServer(0);
  const reports = new EventEmitter();
  server.onFrameworkMessage(reportReady, ({ pid }, { runtimeId = "" }) => {
    reports.emit(runtimeId, pid);
  });
  await server.start();

  async function startWorker(runtimeId: string): Promise<ChildProcess> {
    // "--import tsx" lets Node run TypeScript; a worker in JavaScript needs only the rest.
    const args = ["--import", "tsx", WORKER, String(server.getPort()), runtimeId];
    const worker = spawn(process.execPath, args, { stdio: "inherit" });
    const died = once(worker, "exit").then(() => {
      throw new Error(`${runtimeId} ended before it was ready`);
    });
    await Promise.race([once(reports, runtimeId), died]);
    return worker;
  }

  const names = ["w1", "w2", "w3"];
  const workers = await Promise.all(names.map(startWorker));
  // #endregion

  // #region command
  const texts = ["one two", "three four five", "six"];
  const counts = await Promise.all(
    names.map((name, i) => server.sendFrameworkMessage(name, countWords, texts[i] ?? "")),
  );
  console.log(counts); // [ 2, 3, 1 ]
  // #endregion

  // #region end
  // With the connection gone a worker has nothing left to do, and exits by itself.
  const exits = workers.map((worker) => once(worker, "exit"));
  await server.close();
  await Promise.all(exits);
  // #endregion
}

if (process.argv[1] === import.meta.filename) await main();
