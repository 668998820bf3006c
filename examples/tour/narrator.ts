// How the tour is told: numbered steps, and under each what happened after how many milliseconds.

import { styleText } from "node:util";

const WIDTH = 92;
const GUTTER = 12;
const hasColour = process.stdout.isTTY && process.env["NO_COLOR"] === undefined;

let steps = 0;
let stepStart = performance.now();

export function title(text: string): void {
  console.log(styled("bold", text));
}

/** Runs one step of the tour under its heading. */
export async function step(heading: string, run: () => void | Promise<void>): Promise<void> {
  const number = String(++steps).padStart(2);
  console.log(`\n${styled("bold", `${number}. ${heading}`)}`);
  stepStart = performance.now();
  await run();
}

/** One thing that happened, with the time since the step began. */
export function say(text: string): void {
  const time = `${Math.round(performance.now() - stepStart)} ms`.padStart(GUTTER - 2);
  const [first = "", ...others] = wrap(text, WIDTH - GUTTER);
  console.log(`${styled("dim", time)}  ${first}`);
  for (const line of others) console.log(" ".repeat(GUTTER) + line);
}

function styled(style: "bold" | "dim", text: string): string {
  return hasColour ? styleText(style, text) : text;
}

function wrap(text: string, width: number): string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines.at(-1) ?? "";
    if (line === "") lines[lines.length - 1] = word;
    else if (line.length + 1 + word.length <= width) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}
