// One HTTP request as whoever decides about it sees it: its head, in words that every client and every wire share.

/** Header fields as they are sent: order, case and duplicates are kept. */
export type Fields = readonly (readonly [name: string, value: string])[];

/** What sent the request. A WebSocket is one of any library. */
export type ClientKind = "fetch" | "undici" | "http" | "websocket";

export interface RequestHead {
  /** Unique among the requests of one capture. */
  readonly id: string;
  readonly method: string;
  /** Absolute; `ws:` or `wss:` for a WebSocket. */
  readonly url: string;
  readonly headers: Fields;
  readonly client: ClientKind;
  /** Of the incoming request during which this one was sent. */
  readonly contextId?: string;
}

/** `null` removes a field, several values make several fields. Names match in any case. */
export type FieldPatch = Readonly<Record<string, string | readonly string[] | null>>;

/** `fields` with the named ones replaced, or removed. The others keep their order. */
export function patchFields(fields: Fields, patch: FieldPatch): Fields {
  const patched = new Set(Object.keys(patch).map((name) => name.toLowerCase()));
  const kept = fields.filter(([name]) => !patched.has(name.toLowerCase()));
  const added = Object.entries(patch).flatMap(([name, value]) =>
    [value ?? []].flat().map((one): [string, string] => [name, one]),
  );
  return [...kept, ...added];
}

/** `[name, value, name, value]`, as Node has fields, taken apart. */
export function fieldsFrom(flat: readonly string[]): Fields {
  const fields: [string, string][] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) {
    fields.push([flat[i] as string, flat[i + 1] as string]);
  }
  return fields;
}
