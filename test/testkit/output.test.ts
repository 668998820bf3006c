// What workers write: whole lines of whole characters, to where it was asked for, and not without bound.

import type { OutputLine } from "crosswire/testkit";
import { expect, test, vi } from "vitest";
import { LineSplitter, OutputLog } from "../../src/testkit/output-lines.ts";
import { nextWarning } from "../fixtures/wait.ts";
import { IS_UP, openRunner, PLAIN } from "./world.ts";

function splitterInto(lines: string[]): LineSplitter {
  return new LineSplitter((text) => lines.push(text));
}

test("lines and characters that are cut anywhere between chunks come whole", () => {
  const bytes = Buffer.from("grüße, 東京 🚂\r\n\nlast");
  for (let size = 1; size <= bytes.length; size++) {
    const lines: string[] = [];
    const splitter = splitterInto(lines);
    for (let at = 0; at < bytes.length; at += size) splitter.push(bytes.subarray(at, at + size));
    splitter.end();
    expect(lines, `in pieces of ${size}`).toEqual(["grüße, 東京 🚂", "", "last"]);
  }
});

test("what never ends its line is cut, between characters, and kept no further", () => {
  const lines: string[] = [];
  const splitter = splitterInto(lines);
  const text = `x${"🚂".repeat(10_000)}`;
  splitter.push(Buffer.from(text));
  expect(lines.map(({ length }) => length)).toEqual([8_191, 8_192]);
  splitter.push(Buffer.from("\nnext"));
  splitter.end();
  expect(lines.slice(0, -1).join("")).toBe(text);
  expect(lines.at(-1)).toBe("next");
});

test("of a flood the last lines are kept, and those of stderr whatever stdout does", () => {
  const log = new OutputLog("w", () => {});
  log.add("stderr", "why it broke");
  for (let i = 1; i <= 5_000; i++) log.add("stdout", `line ${i}`);
  expect(log.lines).toHaveLength(1_000);
  expect(log.lines.at(-1)?.text).toBe("line 5000");
  expect(log.stderrTail).toEqual(["why it broke"]);
});

test("a worker's lines go to a function, also the last one, which has no end", async () => {
  const lines: OutputLine[] = [];
  const runner = await openRunner({ output: (line) => lines.push(line) });
  const start = { script: PLAIN, ready: /東京/ };
  const worker = await runner.start({
    ...start,
    runtimeId: "w",
    args: ["write in pieces", "complain", "end"],
  });
  await worker.exited;
  const texts = (stream: string): string[] =>
    lines.filter((line) => line.stream === stream).map(({ text }) => text);
  expect(texts("stdout")).toEqual(["grüße, 東京 🚂", "second line", "", "last line without end"]);
  expect(texts("stderr")).toEqual(["the database is down"]);
  expect(lines.every(({ runtimeId }) => runtimeId === "w")).toBe(true);
  expect(worker.output).toEqual(lines);
});

test("by default lines are written to the runner's own output, behind the runtimeId", async () => {
  const out = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  const err = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  try {
    const runner = await openRunner({ output: "prefixed" });
    await runner.start({ runtimeId: "w", script: PLAIN, args: ["complain"], ready: IS_UP });
    await runner.close();
    expect(out.mock.calls).toContainEqual(["[w] up and listening on 4711\n"]);
    expect(err.mock.calls).toContainEqual(["[w] the database is down\n"]);
  } finally {
    out.mockRestore();
    err.mockRestore();
  }
});

test("an output function that throws becomes a warning, and costs nobody a line", async () => {
  const warned = nextWarning();
  const log = new OutputLog("w", () => {
    throw new Error("disk full");
  });
  log.add("stdout", "kept");
  expect((await warned).message).toContain(
    "the output function of a runner failed: Error: disk full",
  );
  expect(log.lines.map(({ text }) => text)).toEqual(["kept"]);
});
