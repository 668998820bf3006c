// Starts the shop with crosswire/register in front of it, which is all that has to be done to it.

import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export interface Shop {
  readonly url: string;
  readonly process: ChildProcess;
}

const SHOP = fileURLToPath(new URL("./shop.mjs", import.meta.url));

export async function startShop(env: Readonly<Record<string, string>> = {}): Promise<Shop> {
  const child = spawn(process.execPath, ["--import", "crosswire/register", SHOP], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  for await (const url of createInterface(child.stdout)) return { url, process: child };
  throw new Error("The shop ended before it had an address.");
}
