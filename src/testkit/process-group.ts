// A worker process together with all it has started: on POSIX a process group, which gets signals as a whole.

import { spawnSync } from "node:child_process";

/** Windows has no process groups; there the tree below a process is ended by a tool of the system. */
export const HAS_GROUPS: boolean = process.platform !== "win32";

/** Nothing happens when the group is gone already. */
export function signalGroup(pid: number, signal: NodeJS.Signals): void {
  if (!HAS_GROUPS) {
    spawnSync("taskkill", ["/T", "/F", "/PID", String(pid)], { windowsHide: true });
    return;
  }
  try {
    process.kill(-pid, signal);
  } catch {
    // ESRCH: nobody is left. EPERM: only what has ended already is.
  }
}
