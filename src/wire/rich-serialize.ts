// The rich codec, writing: what JSON loses, kept in a tagged tree of our own with no back references.

import { unencodable } from "./json.ts";
import { TAG, VIEWS } from "./rich-tags.ts";

/** `value` as a tree that JSON carries; bytes go to `attachments`. Throws XW_ENCODE naming the property. */
export function serialize(value: unknown, attachments: Uint8Array[], maxDepth: number): unknown {
  return new Serializer(attachments, maxDepth).write(value, "");
}

class Serializer {
  #attachments: Uint8Array[];
  #maxDepth: number;
  #above: object[] = [];

  constructor(attachments: Uint8Array[], maxDepth: number) {
    this.#attachments = attachments;
    this.#maxDepth = maxDepth;
  }

  write(value: unknown, path: string): unknown {
    switch (typeof value) {
      case "string":
      case "boolean":
        return value;
      case "number":
        return Number.isFinite(value) && !Object.is(value, -0)
          ? value
          : tag("number", numberName(value));
      case "bigint":
        return tag("bigint", value.toString());
      case "undefined":
        return tag("undefined");
      case "object":
        return value === null ? null : this.#writeObject(value, path);
      default:
        throw unencodable({ path, what: `a ${typeof value}` });
    }
  }

  #writeObject(value: object, path: string): unknown {
    if (this.#above.includes(value)) {
      throw unencodable({ path, what: "a reference back to one of its parents" });
    }
    if (this.#above.length >= this.#maxDepth) {
      throw unencodable({ path, what: `nested deeper than limits.maxDepth (${this.#maxDepth})` });
    }
    this.#above.push(value);
    const tree = this.#writeKnown(value, path);
    this.#above.pop();
    return tree;
  }

  #writeKnown(value: object, path: string): unknown {
    if (Array.isArray(value))
      return Array.from(value, (item, i) => this.write(item, `${path}[${i}]`));
    if (value instanceof Date)
      return tag("date", Number.isNaN(value.getTime()) ? null : value.getTime());
    if (value instanceof Map) {
      return tag(
        "map",
        Array.from(value, ([key, item], i) => [
          this.write(key, `${path}.keys()[${i}]`),
          this.write(
            item,
            `${path}.get(${typeof key === "string" ? JSON.stringify(key) : `#${i}`})`,
          ),
        ]),
      );
    }
    if (value instanceof Set) {
      return tag(
        "set",
        Array.from(value, (item, i) => this.write(item, `${path}.values()[${i}]`)),
      );
    }
    if (value instanceof URL) return tag("url", value.href);
    if (value instanceof Error) return tag("error", this.#writeError(value, path));
    if (value instanceof ArrayBuffer) return tag("buffer", this.#attach(new Uint8Array(value)));
    if (ArrayBuffer.isView(value)) return this.#writeView(value);
    const json: unknown = (value as { toJSON?: unknown }).toJSON;
    if (typeof json === "function") return this.write(json.call(value, ""), path);
    return this.#writePlain(value as Record<string, unknown>, path);
  }

  #writePlain(value: Record<string, unknown>, path: string): unknown {
    const entries = Object.keys(value).map((key): [string, unknown] => {
      if (key === "__proto__")
        throw unencodable({ path: `${path}.__proto__`, what: "a refused key" });
      return [key, this.write(value[key], `${path}.${key}`)];
    });
    return entries.length === 1 && entries[0]?.[0] === TAG
      ? tag("object", entries)
      : Object.fromEntries(entries);
  }

  #writeError(error: Error, path: string): unknown {
    const { code, data } = error as { code?: unknown; data?: unknown };
    return {
      name: error.name,
      message: error.message,
      ...(typeof code === "string" || typeof code === "number" ? { code } : {}),
      ...(data === undefined ? {} : { data: this.write(data, `${path}.data`) }),
      ...(error.cause === undefined ? {} : { cause: this.write(error.cause, `${path}.cause`) }),
    };
  }

  #writeView(view: ArrayBufferView): unknown {
    const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    const name = view[Symbol.toStringTag as never] as unknown as string;
    return VIEWS.has(name)
      ? tag("view", [name, this.#attach(bytes)])
      : tag("bytes", this.#attach(bytes));
  }

  #attach(bytes: Uint8Array): number {
    return this.#attachments.push(bytes) - 1;
  }
}

function tag(name: string, content?: unknown): unknown {
  return { [TAG]: content === undefined ? [name] : [name, content] };
}

function numberName(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value);
}
