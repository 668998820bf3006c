// A microfrontends configuration that was found sound: its applications, who gets which path, and what to warn of.

import type { Application, ApplicationEntry } from "./application.ts";
import { ApplicationReader } from "./application.ts";
import { ConfigReader } from "./config-reader.ts";
import { ConfigReport } from "./config-report.ts";
import { type JsonNode, type JsonObject, parseJsonc } from "./jsonc.ts";
import { assignPorts, DEFAULT_PROXY_PORT } from "./ports.ts";
import { Router } from "./router.ts";
import { isBelow, reportConflicts, type Route } from "./routes.ts";

export interface MicrofrontendsOptions {
  /** Where the file really is. */
  readonly file: string;
  /** How it is called in messages. */
  readonly shownAs: string;
  readonly apps: readonly Application[];
  readonly defaultApp: Application;
  readonly routes: readonly Route[];
  readonly proxyPort: number | undefined;
  readonly areOverridesDisabled: boolean;
  readonly warnings: readonly string[];
}

export class Microfrontends {
  /** The file that all this was read from, without symbolic links. */
  readonly file: string;
  /** The same as messages call it: from the working directory where it is below that. */
  readonly shownAs: string;
  /** In the order of the file. */
  readonly apps: readonly Application[];
  /** Gets what no route claims. */
  readonly defaultApp: Application;
  readonly router: Router;
  /** `options.localProxyPort`. */
  readonly proxyPort: number | undefined;
  /** `options.disableOverrides`. */
  readonly areOverridesDisabled: boolean;
  /** What is not as it probably was meant, each as `file:line:column: text`. */
  readonly warnings: readonly string[];

  constructor(options: MicrofrontendsOptions) {
    this.file = options.file;
    this.shownAs = options.shownAs;
    this.apps = options.apps;
    this.defaultApp = options.defaultApp;
    this.proxyPort = options.proxyPort;
    this.areOverridesDisabled = options.areOverridesDisabled;
    this.warnings = options.warnings;
    this.router = new Router({
      applications: options.apps,
      defaultApp: options.defaultApp,
      routes: options.routes,
    });
  }

  /** The application of a package, by the `name` of its package.json; its `packageName` counts before names. */
  appOfPackage(name: string): Application | undefined {
    return (
      this.apps.find(({ packageName }) => packageName === name) ??
      this.apps.find((app) => app.name === name)
    );
  }
}

const KNOWN = ["$schema", "version", "applications", "options", "partOf"];
const KNOWN_OPTIONS = ["localProxyPort", "disableOverrides"];
const TOP = "the file";

/** Reads the text of a configuration file. Throws XW_CONFIG that lists every problem. */
export function parseMicrofrontends(text: string, file: string, shownAs: string): Microfrontends {
  const report = new ConfigReport(shownAs);
  const root = parseJsonc(text, report.complain);
  report.assertSound();
  const found = root && new FileReader(report).read(root);
  report.assertSound();
  // Whatever made it undefined was reported.
  if (found === undefined) throw new TypeError(`${shownAs} was read without a result.`);
  return new Microfrontends({ ...found, file, shownAs, warnings: report.warnings });
}

type Found = Omit<MicrofrontendsOptions, "file" | "shownAs" | "warnings">;

class FileReader {
  readonly #report: ConfigReport;
  readonly #read: ConfigReader;

  constructor(report: ConfigReport) {
    this.#report = report;
    this.#read = new ConfigReader(report);
  }

  read(root: JsonNode): Found | undefined {
    const file = this.#read.object(root, TOP);
    if (file === undefined || this.#isPart(file)) return undefined;
    this.#read.warnOfOthers(file, TOP, KNOWN);
    this.#checkVersion(file.members.get("version")?.value);
    const options = this.#read.object(file.members.get("options")?.value, '"options"');
    if (options !== undefined) this.#read.warnOfOthers(options, '"options"', KNOWN_OPTIONS);
    const option = (name: string): JsonNode | undefined => options?.members.get(name)?.value;
    const proxyPort = this.#read.port(option("localProxyPort"), '"localProxyPort"');
    const areOverridesDisabled =
      this.#read.boolean(option("disableOverrides"), '"disableOverrides"') ?? false;
    const entries = this.#entries(file);
    const defaultEntry = this.#defaultEntry(entries, file);
    const apps = this.#applications(entries, defaultEntry, proxyPort ?? DEFAULT_PROXY_PORT);
    const defaultApp = apps.find(({ isDefault }) => isDefault);
    const routes = entries.flatMap((entry) => entry.routes);
    return defaultApp && { apps, defaultApp, routes, proxyPort, areOverridesDisabled };
  }

  /** Turborepo lets a package point to the one that has the configuration. */
  #isPart({ members }: JsonObject): boolean {
    const partOf = members.get("partOf");
    if (partOf === undefined || members.has("applications")) return false;
    const name = this.#read.string(partOf.value, '"partOf"');
    if (name !== undefined) {
      const text = `the configuration is that of the application ${JSON.stringify(name)}; give the file of its package`;
      this.#report.complain(partOf.at, text);
    }
    return true;
  }

  #checkVersion(node: JsonNode | undefined): void {
    if (node === undefined || (node.kind === "scalar" && String(node.value) === "1")) return;
    const seen = node.kind === "scalar" ? JSON.stringify(node.value) : `an ${node.kind}`;
    this.#report.complain(node.at, `"version" is ${seen}, which is not known; write "1"`);
  }

  #entries(file: JsonObject): ApplicationEntry[] {
    const node = file.members.get("applications")?.value;
    if (node === undefined)
      this.#report.complain(file.at, 'there are no "applications"; add them, each with a name');
    const applications = this.#read.object(node, '"applications"');
    return [...(applications?.members ?? [])].flatMap(([name, member]) => {
      const entry = new ApplicationReader(name, this.#read, this.#report).entry(member);
      return entry === undefined ? [] : [entry];
    });
  }

  #defaultEntry(
    entries: readonly ApplicationEntry[],
    file: JsonObject,
  ): ApplicationEntry | undefined {
    const [first, ...others] = entries.filter(({ isDefault }) => isDefault);
    const node = file.members.get("applications");
    if (first === undefined && node?.value.kind === "object") {
      const text =
        'No default application found: each has "routing"; remove that of the one that gets all other paths';
      this.#report.complain(node.at, text);
    }
    for (const other of others) {
      const text =
        `${JSON.stringify(other.name)} has no "routing", and ${JSON.stringify(first?.name)} on line ` +
        `${first?.at.line} has none either, but there can be one default application; add "routing" to one of them`;
      this.#report.complain(other.at, text);
    }
    return first;
  }

  #applications(
    entries: readonly ApplicationEntry[],
    defaultEntry: ApplicationEntry | undefined,
    proxyPort: number,
  ): Application[] {
    const ports = assignPorts(entries, proxyPort, this.#report);
    reportConflicts(
      entries.flatMap(({ routes }) => routes),
      this.#report,
    );
    this.#checkAssetPrefixes(entries);
    return entries.map((entry) => {
      const fallback = entry.fallback ?? defaultEntry?.fallback;
      return {
        name: entry.name,
        packageName: entry.packageName,
        isDefault: entry.isDefault,
        at: entry.at,
        localAt: entry.localAt,
        local: { ...entry.local, port: ports.get(entry.name) ?? 0 },
        hasGeneratedPort: entry.local.port === undefined,
        ...(fallback === undefined ? {} : { fallback }),
        ...(entry.task === undefined ? {} : { task: entry.task }),
        ...(entry.assetPrefix === undefined ? {} : { assetPrefix: entry.assetPrefix }),
        rules: entry.routes.map(({ rule }) => rule),
        extra: entry.extra,
      };
    });
  }

  #checkAssetPrefixes(entries: readonly ApplicationEntry[]): void {
    for (const { name, assetPrefix, assetPrefixAt } of entries) {
      if (assetPrefix === undefined) continue;
      for (const other of entries) {
        if (other.name === name) continue;
        const route = other.routes.find((claimed) => isBelow(claimed, assetPrefix));
        const line = route?.rule.line ?? other.assetPrefixAt.line;
        if (route === undefined && other.assetPrefix !== assetPrefix) continue;
        const text = `the asset prefix ${JSON.stringify(assetPrefix)} of ${JSON.stringify(name)} is claimed by ${JSON.stringify(other.name)} on line ${line} too; choose another`;
        this.#report.complain(assetPrefixAt, text);
      }
    }
  }
}
