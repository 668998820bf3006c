// A worker with a command for each thing that a test wants to happen in it. Plain JavaScript, so that it starts fast.

import { appendFileSync } from "node:fs";
import { createServer } from "node:net";
import { runWorker } from "crosswire/testkit";

const { SET_UP, LOG_FILE, GREETING } = process.env;

/** For tests that look when this process is gone. */
function note(text) {
  if (LOG_FILE !== undefined) appendFileSync(LOG_FILE, `${text}\n`);
}

await runWorker(async (worker) => {
  const flags = worker.config("flags", { darkMode: false, colour: "red" });
  const changes = [];
  flags.onChange("darkMode", (value) => changes.push(value));
  worker.onRequest("test/flags", () => ({
    darkMode: flags.get("darkMode"),
    colour: flags.get("colour"),
    changes,
  }));
  worker.onRequest("test/environment", () => ({
    args: process.argv.slice(2),
    greeting: GREETING,
    hasRuntimeId: "CROSSWIRE_RUNTIME_ID" in process.env,
    pid: process.pid,
  }));
  worker.onRequest("test/throw", () => {
    throw new Error("not today");
  });
  worker.onRequest("test/exit", (code) => {
    console.error("out of paper");
    process.exit(code);
  });
  worker.onRequest("test/hang", () => new Promise(() => {}));
  worker.onMessage("test/fail", (text) => {
    setImmediate(() => {
      throw new Error(text);
    });
  });
  worker.onMessage("test/block", () => {
    for (;;);
  });
  worker.onStream("test/count", async function* (last) {
    for (let i = 1; i <= last; i++) yield i;
    await new Promise(() => {});
  });
  worker.onRequest("test/ask-back", (text) =>
    worker.client.sendFrameworkRequest("test/answer", text),
  );
  await worker.registerKeys("db", "http");

  // Open until it is stopped: without its onStop function this process would stay.
  const server = createServer().listen(0, "127.0.0.1");
  worker.onStop(() => {
    server.close();
    note("given first, run last");
  });
  worker.onStop(async () => {
    await new Promise((resolve) => setImmediate(resolve));
    note(`${worker.runtimeId} stops`);
  });
  if (SET_UP === "throws") throw new Error("set-up went wrong");
});
