// What another process of this machine is doing, by its pid.

import { readFileSync } from "node:fs";

/** Whether it exists, whoever owns it. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** `busy`: it would go on if it got a processor. Undefined where the system does not say; only Linux does. */
export function processState(pid: number): "stopped" | "busy" | "idle" | undefined {
  try {
    // After the name, which is in parentheses and may have spaces of its own.
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const letter = stat.slice(stat.lastIndexOf(")") + 2)[0];
    if (letter === "T" || letter === "t") return "stopped";
    return letter === "R" || letter === "D" ? "busy" : "idle";
  } catch {
    return undefined;
  }
}
