// Lets a hook change the fields of a response, but not where the response ends.

import type { RawFields, ResponseHead } from "./engine.ts";
import { kindOf } from "./fields.ts";
import { areFields } from "./grammar.ts";

/** Throws when the hook does, or when what it returns is no list of fields. */
export function editFields(
  head: ResponseHead,
  edit: (head: ResponseHead) => RawFields,
): readonly string[] {
  const framing: string[] = [];
  const others: string[] = [];
  for (let i = 0; i < head.fields.length; i += 2) {
    const name = head.fields[i] as string;
    (isFraming(name) ? framing : others).push(name, head.fields[i + 1] as string);
  }
  const { status, statusText } = head;
  const edited = edit({ status, statusText, fields: others });
  let lines = "";
  for (let i = 0; i < edited.length; i += 2) {
    if (isFraming(String(edited[i]))) throw new TypeError(`${edited[i]} is not for it to set`);
    lines += `${edited[i]}: ${edited[i + 1]}\r\n`;
  }
  if (edited.length % 2 !== 0 || !areFields(lines))
    throw new TypeError("it has to return names and values in turn, without line breaks");
  return [...edited, ...framing];
}

function isFraming(name: string): boolean {
  const kind = kindOf(name);
  return kind === "content-length" || kind === "transfer-encoding" || kind === "connection";
}
