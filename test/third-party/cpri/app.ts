// An application as its users start it, with crosswire/register preloaded: nothing in its code knows of a test.

import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { inject } from "vitest";
import { until } from "../../fixtures/wait.ts";

export interface App {
  readonly url: string;
  readonly pid: number | undefined;
  /** Rejects when it complained about anything. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface AppOptions {
  /** Whether the programs that it starts have the preload too: then it is in the environment. */
  readonly withPrograms?: boolean;
}

/** What is to be preloaded. */
export function registerUrl(): string {
  return pathToFileURL(join(inject("compiled").src, "src/cpri/register.js")).href;
}

/** `script` is the name of a file in children/. Resolves when it says where it listens. */
export async function startApp(script: string, { withPrograms }: AppOptions = {}): Promise<App> {
  const preload = `--import=${registerUrl()}`;
  const file = join(inject("compiled").src, "test/third-party/cpri/children", `${script}.js`);
  const child = spawn(process.execPath, withPrograms === true ? [file] : [preload, file], {
    env: { ...process.env, ...(withPrograms === true ? { NODE_OPTIONS: preload } : {}) },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let complaints = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (complaints += text));
  let isGone = false;
  child.once("close", () => (isGone = true));
  const close = async (): Promise<void> => {
    child.kill("SIGKILL");
    await until(() => isGone, `the end of ${script}`);
    if (complaints !== "") throw new Error(`${script} complained:\n${complaints}`);
  };
  const lines = createInterface({ input: child.stdout });
  const [url] = (await Promise.race([until(lines, "line"), until(lines, "close")])) as [string?];
  if (url === undefined) throw new Error(`${script} ended before it listened:\n${complaints}`);
  return { url, pid: child.pid, close, [Symbol.asyncDispose]: close };
}
