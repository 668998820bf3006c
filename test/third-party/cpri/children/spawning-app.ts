// A shop that starts a program for each request, as others start converters and reports.

import { type ChildProcess, fork, spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { serve } from "./serve.ts";

const PROGRAM = fileURLToPath(new URL("program.js", import.meta.url));

const START: Readonly<Record<string, (id: string) => ChildProcess>> = {
  fork: (id) => fork(PROGRAM, [id], { silent: true }),
  spawn: (id) => spawn(process.execPath, [PROGRAM, id]),
  shell: (id) => spawn(`"${process.execPath}" "${PROGRAM}" ${id}`, { shell: true }),
};

await serve(async ([how = "", id = ""]) => {
  const output = START[how]?.(id).stdout;
  return output ? text(output) : "";
});
