// Lets a hook change the fields of a response, but not where the response ends.

import type { RawFields, ResponseHead } from "./engine.ts";
import { kindOf } from "./fields.ts";
import { isField } from "./grammar.ts";

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
  const kept: string[] = [];
  for (let i = 0; i < edited.length; i += 2) {
    const [name, value] = [String(edited[i]), String(edited[i + 1])];
    if (!isField(name, value)) throw new TypeError(`${JSON.stringify(name)} is no field`);
    if (!isFraming(name)) kept.push(name, value);
  }
  return [...kept, ...framing];
}

function isFraming(name: string): boolean {
  const kind = kindOf(name);
  return kind === "content-length" || kind === "transfer-encoding" || kind === "connection";
}
