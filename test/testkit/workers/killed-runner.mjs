// A runner that is going to be killed, with workers that cannot notice it. Prints the numbers of all processes.

import { createRunner } from "crosswire/testkit";

const runner = await createRunner({ output: "ignore" });
const start = (runtimeId, script, ...args) =>
  runner.start({
    runtimeId,
    script: new URL(script, import.meta.url),
    args,
    ...(script === "plain.cjs" ? { ready: /^up/ } : {}),
  });

const workers = await Promise.all([
  start("blocked", "plain.cjs", "ignore SIGTERM", "block"),
  start("stopped", "plain.cjs"),
  start("parent", "plain.cjs", "start a child"),
  start("well", "worker.mjs"),
]);
workers[1].kill("SIGSTOP");
const childPid = Number(workers[2].output[0].text.replace("child ", ""));
console.log(JSON.stringify([...workers.map(({ pid }) => pid), childPid]));
