// A small process beside a runner that outlives it for a moment: when the runner is gone, however it
// ended, the warden ends the workers that are left. A worker that is blocked or stopped cannot do that itself.

import { type ChildProcess, spawn } from "node:child_process";

/** How long orphans have to end by themselves: workers of runWorker() run their onStop functions then. */
const ORPHAN_GRACE_MS = 1_000;

/**
 * The program of the warden, as text: so it runs the same from sources, from dist and out of a bundle.
 * It reads `+<pid>` and `-<pid>`, one per line; its stdin ends when the runner does.
 */
const PROGRAM = `
process.title = "crosswire-warden";
const { spawnSync } = require("node:child_process");
const pids = new Set();
let rest = "";
// Whoever ends all of us at once means the runner; the orphans are still to be looked after.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => {});
process.stdin.setEncoding("utf8").on("data", (text) => {
  const lines = (rest + text).split("\\n");
  rest = lines.pop();
  for (const line of lines) {
    if (line[0] === "+") pids.add(Number(line.slice(1)));
    else pids.delete(Number(line.slice(1)));
  }
});
const endOrphans = () => {
  const start = performance.now();
  const isWindows = process.platform === "win32";
  const send = (signal) => {
    for (const pid of pids) {
      try {
        if (isWindows) spawnSync("taskkill", ["/T", "/F", "/PID", String(pid)], { windowsHide: true });
        else process.kill(-pid, signal);
        if (isWindows) pids.delete(pid);
      } catch {
        pids.delete(pid);
      }
    }
  };
  send("SIGTERM");
  const look = setInterval(() => {
    const passedMs = performance.now() - start;
    send(passedMs < ${ORPHAN_GRACE_MS} ? 0 : "SIGKILL");
    // What SIGKILL does not end is waiting to be collected by whoever is its parent now.
    if (pids.size === 0 || passedMs > 2 * ${ORPHAN_GRACE_MS}) process.exit();
  }, 20);
};
process.stdin.once("end", endOrphans).once("error", endOrphans);
`;

export class Warden {
  #process: ChildProcess | undefined;
  #pids = new Set<number>();

  /** Call it right after the worker was started: what is not written down here is left behind. */
  watch(pid: number): void {
    this.#pids.add(pid);
    if (this.#process === undefined) this.#start();
    else this.#tell(`+${pid}`);
  }

  /** The worker and its group are gone. */
  forget(pid: number): void {
    if (this.#pids.delete(pid)) this.#tell(`-${pid}`);
  }

  /** Called when no worker is left. */
  async close(): Promise<void> {
    const warden = this.#process;
    if (warden === undefined) return;
    const ended = new Promise((resolve) => warden.once("exit", resolve));
    // With nobody to look after, nothing is lost by not waiting until it has read the end of its stdin.
    warden.kill("SIGKILL");
    await ended;
  }

  #start(): void {
    const warden = spawn(process.execPath, ["--eval", PROGRAM], {
      // Its own group: Ctrl+C in the terminal of the runner must not end it first.
      detached: true,
      windowsHide: true,
      // Whatever NODE_OPTIONS ask of the runner, such as a loader or a debugger, is not for this program.
      env: { ...process.env, NODE_OPTIONS: "" },
      stdio: ["pipe", "ignore", "ignore"],
    });
    this.#process = warden;
    const gone = (): void => {
      if (this.#process === warden) this.#process = undefined;
    };
    // If somebody ends it, the next worker starts another one.
    warden.once("exit", gone).once("error", gone);
    warden.stdin.on("error", () => {});
    for (const pid of this.#pids) this.#tell(`+${pid}`);
  }

  #tell(line: string): void {
    this.#process?.stdin?.write(`${line}\n`);
  }
}
