// What a worker writes, line by line: cut at line ends wherever the chunks end, shown to whoever
// wants it, and the last of it kept for error messages.

import type { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import { warn } from "../node/diagnostics.ts";

export interface OutputLine {
  readonly runtimeId: string;
  readonly stream: "stdout" | "stderr";
  /** Without its line end. */
  readonly text: string;
}

/**
 * Where the output of workers goes: to the runner's own stdout and stderr with the runtimeId before each
 * line, nowhere, or to a function.
 */
export type WorkerOutput = "prefixed" | "ignore" | ((line: OutputLine) => void);

const MAX_KEPT_LINES = 1_000;
/** What has no line end for so long is cut. */
const MAX_LINE_LENGTH = 8_192;
const STDERR_TAIL = 20;

/** The output of one worker. */
export class OutputLog {
  /** The last lines of both streams, in the order in which they came. */
  readonly lines: OutputLine[] = [];
  /** The last lines of stderr, which stay when stdout floods. */
  readonly stderrTail: string[] = [];
  #runtimeId: string;
  #show: (line: OutputLine) => void;

  constructor(runtimeId: string, show: (line: OutputLine) => void) {
    this.#runtimeId = runtimeId;
    this.#show = show;
  }

  /** Reads a stream to its end. */
  follow(stream: OutputLine["stream"], source: Readable): void {
    const splitter = new LineSplitter((text) => this.add(stream, text));
    source.on("data", (chunk: Buffer) => splitter.push(chunk));
    source.once("end", () => splitter.end());
    // Its end is told by the worker's own; a broken pipe is no news beside it.
    source.on("error", () => {});
  }

  add(stream: OutputLine["stream"], text: string): void {
    const line = { runtimeId: this.#runtimeId, stream, text };
    keep(this.lines, line, MAX_KEPT_LINES);
    if (stream === "stderr") keep(this.stderrTail, text, STDERR_TAIL);
    try {
      this.#show(line);
    } catch (error) {
      warn(error, "the output function of a runner");
    }
  }
}

/** The function behind an `output` option. */
export function showerOf(output: WorkerOutput): (line: OutputLine) => void {
  if (typeof output === "function") return output;
  return output === "ignore" ? () => {} : writePrefixed;
}

/** Bytes in, lines out. Characters and line ends may be cut anywhere between two chunks. */
export class LineSplitter {
  #decoder = new StringDecoder("utf8");
  #rest = "";
  #onLine: (text: string) => void;

  constructor(onLine: (text: string) => void) {
    this.#onLine = onLine;
  }

  push(chunk: Buffer): void {
    this.#split(this.#decoder.write(chunk));
  }

  /** What is left without a line end is a line too. */
  end(): void {
    this.#split(this.#decoder.end());
    if (this.#rest !== "") this.#emit(this.#rest);
    this.#rest = "";
  }

  #split(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = this.#cut(lines.pop() ?? "");
    for (const line of lines) this.#emit(this.#cut(line));
  }

  /** Emits the beginning of what is too long; returns what is left. */
  #cut(text: string): string {
    let left = text;
    while (left.length > MAX_LINE_LENGTH) {
      // Half of a surrogate pair is no character.
      const isPair = /[\uD800-\uDBFF]/.test(left.charAt(MAX_LINE_LENGTH - 1));
      const end = isPair ? MAX_LINE_LENGTH - 1 : MAX_LINE_LENGTH;
      this.#onLine(left.slice(0, end));
      left = left.slice(end);
    }
    return left;
  }

  #emit(line: string): void {
    this.#onLine(line.endsWith("\r") ? line.slice(0, -1) : line);
  }
}

function writePrefixed({ runtimeId, stream, text }: OutputLine): void {
  process[stream].write(`[${runtimeId}] ${text}\n`);
}

function keep<T>(kept: T[], item: T, max: number): void {
  kept.push(item);
  if (kept.length > max) kept.shift();
}
