// The measured processes, seen from the runner: starts them with the chosen Node, asks them, stops them.

import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";

/** A process that is asked to end and does not is killed. */
const STOP_TIMEOUT_MS = 5_000;

/** Which Node runs the measured processes, and where their JavaScript is. */
export interface Setting {
  node: string;
  compiled: URL;
}

/** `file` is a path below benchmarks/, without its extension. */
export function forkEntry({ node, compiled }: Setting, file: string, args: string[]): ChildProcess {
  const path = fileURLToPath(new URL(`benchmarks/${file}.js`, compiled));
  return fork(path, args, {
    execPath: node,
    execArgv: [],
    env: { ...process.env, NODE_ENV: "production" },
    stdio: ["ignore", 2, 2, "ipc"], // stdout belongs to the report
  });
}

/** The next message of the process. Rejects when it ends first, or says nothing for so long. */
export async function nextMessage<T>(from: ChildProcess, timeoutMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const onExit = () => settle(() => reject(new Error("The process ended.")));
    const onMessage = (message: unknown) => settle(() => resolve(message as T));
    const timer = setTimeout(
      () => settle(() => reject(new Error(`No answer in ${timeoutMs} ms.`))),
      timeoutMs,
    );
    function settle(how: () => void): void {
      clearTimeout(timer);
      from.off("message", onMessage).off("exit", onExit);
      how();
    }
    from.once("message", onMessage).once("exit", onExit);
    if (hasEnded(from)) onExit();
  });
}

export function stop(child: ChildProcess): void {
  if (hasEnded(child)) return;
  if (child.connected) child.disconnect();
  else child.kill();
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
  child.once("exit", () => clearTimeout(timer));
}

export function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
