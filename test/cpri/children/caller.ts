// For `crosswire run`: starts itself once more, so that a grandchild sends the request, and tells what it found.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const [what] = process.argv.slice(2);

if (what === "grandchild") {
  const script = fileURLToPath(import.meta.url);
  const { status } = spawnSync(process.execPath, [script, "send"], { stdio: "inherit" });
  process.exitCode = status ?? 1;
} else if (what === "send") {
  console.log(await (await fetch("http://nowhere.invalid/")).text());
  process.exitCode = 3;
} else if (what === "options") {
  console.log(`${process.env["NODE_OPTIONS"]} ${process.env["CROSSWIRE_NAME"]} ${process.title}`);
} else {
  process.on("SIGTERM", () => {
    console.log("told to end");
    process.exitCode = 7;
    clearInterval(alive);
  });
  const alive = setInterval(() => {}, 1_000);
  console.log("started");
}
