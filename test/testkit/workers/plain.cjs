// A program that knows nothing of a runner. Its arguments say, one by one, what it does before it is up.

const { spawn } = require("node:child_process");

const steps = {
  "ignore SIGTERM": () => process.on("SIGTERM", () => console.log("ignored SIGTERM")),
  // Written in pieces that cut characters and lines.
  "write in pieces": async () => {
    const bytes = Buffer.from("grüße, 東京 🚂\r\nsecond line\n\nlast line without end");
    for (const byte of bytes) {
      await new Promise((resolve) => process.stdout.write(Buffer.of(byte), resolve));
    }
  },
  complain: () => console.error("the database is down"),
  throw: () => {
    throw new Error("no database");
  },
  exit: () => process.exit(3),
  "start a child": () => {
    const program =
      "process.on('SIGTERM', () => {}); setInterval(() => {}, 1e9); console.log(process.pid)";
    const child = spawn(process.execPath, ["--eval", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    return new Promise((resolve) =>
      child.stdout.once("data", (pid) => {
        process.stdout.write(`child ${pid}`);
        resolve();
      }),
    );
  },
};

async function main() {
  for (const step of process.argv.slice(2)) await steps[step]?.();
  if (process.argv.includes("end")) return;
  setInterval(() => {}, 1e9);
  console.log("up and listening on 4711");
  if (process.argv.includes("block")) for (;;);
}

void main();
