// The processes of the tour: started here, listened to, and never left behind.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export class CrewMember {
  readonly name: string;
  /** "exit code 0", or the signal that ended it. */
  readonly ended: Promise<string>;
  #child: ChildProcess;
  #output = "";

  /** Runs `file` of this folder with the arguments, in a process of its own; `execArgv` is for Node. */
  constructor(
    name: string,
    file: string,
    args: readonly string[],
    execArgv: readonly string[] = [],
  ) {
    this.name = name;
    const path = fileURLToPath(new URL(file, import.meta.url));
    this.#child = spawn(process.execPath, ["--import", "tsx", ...execArgv, path, ...args], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#child.stdout?.setEncoding("utf8");
    this.#child.stdout?.on("data", (text: string) => (this.#output += text));
    // "close" comes when its output was read as well.
    this.ended = once(this.#child, "close").then(([code, signal]) =>
      code === null ? String(signal) : `exit code ${String(code)}`,
    );
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** What it printed so far, line by line. */
  get lines(): string[] {
    return this.#output.split("\n").filter((line) => line !== "");
  }

  /** Resolves as soon as it has printed a line, or ended. */
  async firstLine(): Promise<void> {
    const { stdout } = this.#child;
    if (stdout !== null && this.lines.length === 0)
      await Promise.race([once(stdout, "data"), this.ended]);
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }
}
