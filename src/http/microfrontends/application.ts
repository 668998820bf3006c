// One application of a microfrontends file: reads its entry and reports what is wrong with it.

import type { ConfigReader } from "./config-reader.ts";
import type { ConfigReport } from "./config-report.ts";
import { type LocalServer, originOf, parseFallback, parseLocalHost } from "./hosts.ts";
import {
  type JsonMember,
  type JsonNode,
  type JsonObject,
  plainValue,
  type Position,
} from "./jsonc.ts";
import { parsePattern } from "./path-pattern.ts";
import type { Route, RouteRule } from "./routes.ts";

export interface Application {
  readonly name: string;
  /** The `name` of its package.json; the application's name where the file says nothing else. */
  readonly packageName: string;
  /** Whether it gets what no route claims. */
  readonly isDefault: boolean;
  /** Where its entry stands in the file. */
  readonly at: Position;
  /** Where the file says where it listens; `at` where it says nothing. */
  readonly localAt: Position;
  /** Where it listens while it runs here. */
  readonly local: LocalServer & { readonly port: number };
  /** Whether the port was made from the name; then the one in use may be another (PortBook). */
  readonly hasGeneratedPort: boolean;
  /** The deployed address, without a slash at its end; that of the default application where it has none of its own. */
  readonly fallback?: string;
  /** The package script that starts it. */
  readonly task?: string;
  /** Without slashes; what is below it is always this application's. */
  readonly assetPrefix?: string;
  readonly rules: readonly RouteRule[];
  /** Settings that Crosswire does not know, as they are written. Has no prototype. */
  readonly extra: Readonly<Record<string, unknown>>;
}

/** An application before the others are known: its port may still be open, and its fallback another's. */
export interface ApplicationEntry {
  readonly name: string;
  readonly packageName: string;
  readonly isDefault: boolean;
  readonly at: Position;
  readonly local: LocalServer;
  /** Of the setting that names the port. */
  readonly localAt: Position;
  readonly fallback: string | undefined;
  readonly task: string | undefined;
  readonly assetPrefix: string | undefined;
  readonly assetPrefixAt: Position;
  readonly routes: readonly Route[];
  readonly extra: Readonly<Record<string, unknown>>;
}

const KNOWN = ["packageName", "development", "routing", "assetPrefix"];
/** Of deployments: kept like unknown ones, but no mistake. */
const FOREIGN = ["projectId", "production", "vercel"];
const KNOWN_DEVELOPMENT = ["local", "fallback", "task"];
const KNOWN_ADDRESS = ["protocol", "host", "port"];
const KNOWN_GROUP = ["paths", "group", "flag"];
const ASSET_PREFIX = /^[a-z](?:[a-z0-9-]*[a-z0-9])?$/;
const DEFAULT_LOCAL: LocalServer = { protocol: "http", host: "localhost", port: undefined };

/** Reads one entry of `applications`. */
export class ApplicationReader {
  readonly #name: string;
  readonly #what: string;
  readonly #read: ConfigReader;
  readonly #report: ConfigReport;

  constructor(name: string, read: ConfigReader, report: ConfigReport) {
    this.#name = name;
    this.#what = `the application ${JSON.stringify(name)}`;
    this.#read = read;
    this.#report = report;
  }

  entry({ at, value }: JsonMember): ApplicationEntry | undefined {
    const object = this.#read.object(value, this.#what);
    if (object === undefined) return undefined;
    this.#read.warnOfOthers(object, this.#what, KNOWN, FOREIGN);
    const member = (name: string): JsonNode | undefined => object.members.get(name)?.value;
    const development = this.#read.object(member("development"), this.#of("development"));
    if (development !== undefined)
      this.#read.warnOfOthers(development, this.#of("development"), KNOWN_DEVELOPMENT);
    const local = development?.members.get("local")?.value;
    const assetPrefix = member("assetPrefix");
    return {
      name: this.#name,
      packageName: this.#read.string(member("packageName"), this.#of("packageName")) ?? this.#name,
      isDefault: !object.members.has("routing"),
      at,
      local: this.#local(local),
      localAt: local?.at ?? at,
      fallback: this.#fallback(development?.members.get("fallback")?.value),
      task: this.#read.string(development?.members.get("task")?.value, this.#of("task")),
      assetPrefix: this.#assetPrefix(assetPrefix),
      assetPrefixAt: assetPrefix?.at ?? at,
      routes: this.#routing(member("routing")),
      extra: extraOf(object),
    };
  }

  #local(node: JsonNode | undefined): LocalServer {
    if (node === undefined) return DEFAULT_LOCAL;
    const what = this.#of("development.local");
    if (node.kind === "object") return this.#address(node, what, "http") ?? DEFAULT_LOCAL;
    if (node.kind === "scalar" && typeof node.value === "number")
      return { ...DEFAULT_LOCAL, port: this.#read.port(node, what) };
    const text = this.#read.string(node, what);
    if (text === undefined) return DEFAULT_LOCAL;
    return this.#report.attempt(node.at, () => parseLocalHost(text)) ?? DEFAULT_LOCAL;
  }

  /** The form with a setting for each part, which Turborepo's own examples use. */
  #address(node: JsonObject, what: string, scheme: string): LocalServer | undefined {
    this.#read.warnOfOthers(node, what, KNOWN_ADDRESS);
    const member = (name: string): JsonNode | undefined => node.members.get(name)?.value;
    const protocol = this.#read.string(member("protocol"), `"protocol" of ${what}`) ?? scheme;
    const host = this.#read.string(member("host"), `"host" of ${what}`) ?? "localhost";
    const port = this.#read.port(member("port"), `"port" of ${what}`);
    const text = `${protocol}://${host.includes(":") && !host.startsWith("[") ? `[${host}]` : host}`;
    // The same rules as for text: a host that brings a path or a user is refused.
    const parsed = this.#report.attempt(node.at, () => parseLocalHost(text));
    return parsed && { ...parsed, port: port ?? parsed.port };
  }

  #fallback(node: JsonNode | undefined): string | undefined {
    if (node === undefined) return undefined;
    const what = this.#of("fallback");
    if (node.kind === "object") {
      const address = this.#address(node, what, "https");
      return address && originOf(address);
    }
    const text = this.#read.string(node, what);
    return text === undefined
      ? undefined
      : this.#report.attempt(node.at, () => parseFallback(text));
  }

  #assetPrefix(node: JsonNode | undefined): string | undefined {
    const prefix = this.#read.string(node, this.#of("assetPrefix"));
    if (node === undefined || prefix === undefined || ASSET_PREFIX.test(prefix)) return prefix;
    const text = `${this.#of("assetPrefix")} is ${JSON.stringify(prefix)}; begin it with a small letter and write only small letters, digits and "-", no slash`;
    this.#report.complain(node.at, text);
    return undefined;
  }

  #routing(node: JsonNode | undefined): Route[] {
    const groups = this.#read.array(node, this.#of("routing"));
    if (node !== undefined && groups?.items.length === 0) {
      const text = `${this.#what} has an empty "routing" and gets no requests; add paths, or remove it to make this the default application`;
      this.#report.warn(node.at, text);
    }
    return groups?.items.flatMap((group) => this.#group(group)) ?? [];
  }

  #group(node: JsonNode): Route[] {
    const what = `a routing group of ${this.#what}`;
    const object = this.#read.object(node, what);
    if (object === undefined) return [];
    this.#read.warnOfOthers(object, what, KNOWN_GROUP);
    const member = (name: string): JsonNode | undefined => object.members.get(name)?.value;
    const group = this.#read.string(member("group"), `"group" of ${what}`);
    const flag = this.#read.string(member("flag"), `"flag" of ${what}`);
    const paths = member("paths");
    if (paths === undefined) this.#report.complain(node.at, `${what} has no "paths"; add them`);
    const items = this.#read.array(paths, `"paths" of ${what}`)?.items ?? [];
    const about = {
      ...(group === undefined ? {} : { group }),
      ...(flag === undefined ? {} : { flag }),
    };
    return items.flatMap((item) => this.#route(item, about));
  }

  #route(node: JsonNode, about: Pick<RouteRule, "group" | "flag">): Route[] {
    const text = this.#read.string(node, `a path of ${this.#what}`);
    if (text === undefined) return [];
    const pattern = this.#report.attempt(node.at, () => parsePattern(text));
    if (pattern === undefined) return [];
    return [{ pattern, rule: { app: this.#name, pattern: text, ...node.at, ...about } }];
  }

  #of(setting: string): string {
    return `${JSON.stringify(setting)} of ${this.#what}`;
  }
}

function extraOf({ members }: JsonObject): Readonly<Record<string, unknown>> {
  const others = [...members].filter(([name]) => !KNOWN.includes(name));
  const extra = Object.create(null) as Record<string, unknown>;
  for (const [name, { value }] of others) extra[name] = plainValue(value);
  return Object.freeze(extra);
}
