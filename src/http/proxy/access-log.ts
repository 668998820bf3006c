// One line of the access log: for people, or as JSON.

import type { AccessEntry } from "./traffic.ts";

/** SECURITY: a path or an error text could otherwise write lines of its own, or move the terminal's cursor. */
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;
const MAX_PATH = 200;

/**
 * `14:03:07 GET /docs/intro 200 12 ms docs`, and behind it what was special.
 */
export function readableLine(entry: AccessEntry): string {
  const { at, kind, method, path, status, durationMs, app } = entry;
  const what = kind === "websocket" ? "WS" : method;
  const line = `${localTime(at)} ${what} ${shortened(path)} ${status} ${durationMs} ms${app === undefined ? "" : ` ${app}`}${remarks(entry)}`;
  return line.replaceAll(CONTROL, escaped);
}

/** The same as one JSON object, with everything that is known. */
export function jsonLine({ error, ...entry }: AccessEntry): string {
  const told = error === undefined ? {} : { error: { code: error.code, message: error.message } };
  return JSON.stringify({ ...entry, ...told }).replaceAll(CONTROL, escaped);
}

function remarks({
  heldMs,
  isFallback,
  target,
  error,
  status,
  kind,
  bytesUp,
  bytesDown,
}: AccessEntry): string {
  const said = [
    ...(heldMs === undefined ? [] : [`held ${heldMs} ms`]),
    ...(isFallback === true ? [`from ${target}`] : []),
    ...(kind === "websocket" && status === 101 ? [`${bytesUp} B up, ${bytesDown} B down`] : []),
    ...(error === undefined ? [] : [`${error.code}: ${error.message}`]),
  ];
  return said.length === 0 ? "" : ` (${said.join("; ")})`;
}

/** Of the clock on the wall; the JSON line has it in full. */
function localTime(at: string): string {
  return new Date(at).toTimeString().slice(0, 8);
}

function shortened(path: string): string {
  return path.length <= MAX_PATH ? path : `${path.slice(0, MAX_PATH)}…`;
}

function escaped(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
