// Holds the documentation to the code: snippets, names, numbers and links are compared, examples are run.

import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { DEFAULT_LIMITS, ERROR_TEXT } from "crosswire";
import * as discovery from "crosswire/discovery";
import * as http from "crosswire/http";
import { expect, test, vi } from "vitest";
import { TRACE_EVENTS } from "../src/trace.ts";
import { until } from "./fixtures/wait.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const REFERENCE = "docs/reference";
/** Twelve processes start, on a machine that may be busy. */
const TOUR_MS = 60_000;

const pages = [
  ...["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"],
  "examples/README.md",
  ...readdirSync(join(ROOT, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
].sort();

const allFences = pages.flatMap((page) => fencesOf(page));

/** What in `backticks` is a file of ours; not `http/1.1`, and nothing that a build makes. */
const IS_FILE =
  /^[\w.-]+\/[\w./-]+\.(ts|mjs|json|md)$|^(src|test|docs|examples|benchmarks)\/[\w./-]*$/;

const examples = readdirSync(join(ROOT, "examples"), { withFileTypes: true })
  .filter((entry) => entry.isDirectory() || entry.name.endsWith(".ts"))
  .map((entry) => `examples/${entry.name}${entry.isDirectory() ? "/index.ts" : ""}`);

test("the pages show code only as it stands in the examples", () => {
  const shown = allFences.filter(({ language }) => /^[tj]s$/.test(language));
  expect(shown).toEqual(shown.map((fence) => ({ ...fence, text: regionOf(fence.before) })));
});

test("the pages show JSON files of the examples as they are", () => {
  const shown = allFences.flatMap(({ before, text }) => {
    const [, file] = /^<!-- from (examples\/[\w./-]+\.jsonc?) -->$/.exec(before) ?? [];
    return file === undefined ? [] : [{ file, text }];
  });
  expect(shown).not.toEqual([]);
  expect(shown).toEqual(shown.map(({ file }) => ({ file, text: read(file).trimEnd() })));
});

test("the pages have no code in a language that is not compared", () => {
  const harmless = ["http", "js", "json", "sh", "text", "ts"];
  expect(allFences.filter(({ language }) => !harmless.includes(language))).toEqual([]);
});

test("a sentence stands between a heading and a block of code", () => {
  expect(allFences.filter(({ before }) => before.startsWith("#"))).toEqual([]);
});

test("the pages link only to pages and headings that exist", () => {
  const links = pages.flatMap((page) =>
    [...proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = ""]) => ({ page, link })),
  );
  const local = links.filter(({ link }) => !/^https?:/.test(link));
  expect(local.length).toBeGreaterThan(20);
  expect(local.filter(({ page, link }) => !leadsSomewhere(page, link))).toEqual([]);
});

test("the pages name only files that exist", () => {
  const named = pages.flatMap((page) =>
    [...proseOf(page).matchAll(/`([\w./-]+\/[\w./-]*)`/g)].map(([, file = ""]) => ({ page, file })),
  );
  const files = named.filter(({ file }) => IS_FILE.test(file));
  expect(files.length).toBeGreaterThan(20);
  expect(files.filter(({ file }) => !exists(file) && !exists(`src/${file}`))).toEqual([]);
});

test("errors.md has one heading for each error code, in the order of the table", () => {
  expect(headingsOf(`${REFERENCE}/errors.md`, 2)).toEqual(Object.keys(ERROR_TEXT));
});

test("limits.md gives each limit with its default", () => {
  const row = /^\| `(\w+)` +\| +`([\d_]+|Infinity)` +\|/gm;
  const rows = [...read(`${REFERENCE}/limits.md`).matchAll(row)];
  const documented = rows.map(([, name = "", value = ""]) => [
    name,
    Number(value.replaceAll("_", "")),
  ]);
  expect(Object.fromEntries(documented)).toEqual(DEFAULT_LIMITS);
});

test("events.md has one heading for each event", () => {
  expect(headingsOf(`${REFERENCE}/events.md`, 3).sort()).toEqual([...TRACE_EVENTS].sort());
});

test("events.md names each field of an event", () => {
  const page = read(`${REFERENCE}/events.md`);
  const [declared = ""] = read("src/trace.ts").split("export type TraceEventName");
  const fields = [...declared.matchAll(/readonly (\w+)\??:/g)].map(([, field = ""]) => field);
  expect(fields).toContain("peer");
  expect(fields.filter((field) => !page.includes(`\`${field}\``))).toEqual([]);
});

test.each([
  { page: "crosswire.md", source: "src/index.ts", least: 30 },
  { page: "http.md", source: "src/http/index.ts", least: 15 },
  { page: "discovery.md", source: "src/discovery/index.ts", least: 15 },
  { page: "cpri.md", source: "src/cpri/index.ts", least: 15 },
  { page: "testkit.md", source: "src/testkit/index.ts", least: 15 },
])("$page describes everything that $source exports", ({ page, source, least }) => {
  const text = read(`${REFERENCE}/${page}`);
  const names = exportsOf(source);
  expect(names.length).toBeGreaterThan(least);
  expect(names.filter((name) => !new RegExp(`\`(?:new )?${name}\\b`).test(text))).toEqual([]);
});

test.each([
  { page: "http.md", names: Object.keys(http) },
  { page: "discovery.md", names: [...Object.keys(discovery), "Member"] },
])("$page has one heading for each thing to call or construct", ({ page, names }) => {
  expect(headingsOf(`${REFERENCE}/${page}`, 2).sort()).toEqual(names.sort());
});

test.each(["proxy", "routes", "run"])(
  "cli.md names each option of crosswire %s, and no other",
  (name) => {
    const options = optionsOf(`src/cli/${name}-command.ts`);
    expect(options).toContain("--help");
    expect(namedOptions(sectionOf("cli.md", `crosswire ${name}`))).toEqual(options);
  },
);

test("cli.md names each option of crosswire itself, and no other", () => {
  const page = proseOf(`${REFERENCE}/cli.md`);
  const [top = ""] = page.split("\n## ");
  const compared = [...read("src/cli/main.ts").matchAll(/"(--?\w[\w-]*)"/g)];
  const options = compared.map(([, name = ""]) => name);
  expect(namedOptions(top)).toEqual([...new Set(options)].sort());
});

test("cli.md has one section for each command", () => {
  const [, table = ""] = /const COMMANDS\b[^{]*\{([^}]*)\}/.exec(read("src/cli/main.ts")) ?? [];
  const commands = [...table.matchAll(/^ {2}(\w+):/gm)].map(([, name]) => `crosswire ${name}`);
  expect(headingsOf(`${REFERENCE}/cli.md`, 2)).toEqual(commands);
});

test("the decisions are all listed on their page, each by its title", () => {
  const folder = "docs/decisions";
  const decisions = readdirSync(join(ROOT, folder)).filter((name) => /^\d/.test(name));
  const titles = decisions.map((name) => headingsOf(`${folder}/${name}`, 1)[0] ?? name);
  const listed = [...read(`${folder}/README.md`).matchAll(/^- \[(\d+)\]\((.+)\): (.+)$/gm)];
  expect(listed.map(([, number, , title]) => `${number}. ${title?.replaceAll("`", "")}`)).toEqual(
    titles,
  );
  expect(listed.map(([, , name]) => name)).toEqual(decisions);
});

test("the examples are all listed on their page", () => {
  const page = read("examples/README.md");
  expect(
    examples
      .map((path) => path.slice("examples/".length))
      .filter((path) => !page.includes(`(${path})`)),
  ).toEqual([]);
});

// The tour has a test of its own.
test.each(examples.filter((path) => !path.includes("tour")))(
  "%s runs to its end and leaves nothing open",
  async (example) => {
    const before = openResources().length;
    const log = vi.spyOn(console, "log").mockImplementation(() => {});
    try {
      const { main } = (await import(join(ROOT, example))) as { main: () => Promise<void> };
      await main();
      expect(log).toHaveBeenCalled();
      await until(() => openResources().length <= before, `${openResources().join()} to close`);
    } finally {
      log.mockRestore();
    }
  },
);

test(
  "the tour comes to its end",
  async () => {
    const args = ["--import", "tsx", "examples/tour/index.ts"];
    const options = { cwd: ROOT, timeout: TOUR_MS };
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args, options);
    expect(stderr).toBe("");
    expect(stdout).toContain("18. Everything ends by itself");
    expect(stdout).toContain("Open sockets and timers in this process: none.");
  },
  TOUR_MS,
);

interface Fence {
  readonly page: string;
  readonly language: string;
  readonly text: string;
  /** The last line before it that is not empty. */
  readonly before: string;
}

function read(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

function fencesOf(page: string): Fence[] {
  const lines = read(page).split("\n");
  const marks = [...lines.keys()].filter((i) => lines[i]?.startsWith("```"));
  return marks.flatMap((start, nth) => {
    if (nth % 2 === 1) return [];
    const language = (lines[start] ?? "").slice(3);
    const text = lines.slice(start + 1, marks[nth + 1]).join("\n");
    return [
      { page, language, text, before: lines.slice(0, start).findLast((l) => l !== "") ?? "" },
    ];
  });
}

/** The page without its blocks of code. */
function proseOf(page: string): string {
  return read(page).replaceAll(/^```[^]*?^```$/gm, "");
}

function exists(path: string): boolean {
  return existsSync(join(ROOT, path));
}

/** What `<!-- from examples/x.ts#region -->` stands for. All regions of one name, each moved to the left margin. */
function regionOf(marker: string): string {
  const [, file, region] =
    /^<!-- from (examples\/[\w/-]+\.(?:ts|mjs))#([\w-]+) -->$/.exec(marker) ?? [];
  if (file === undefined) return `no marker of an example stands before it, but: ${marker}`;
  const pattern = new RegExp(`^ *// #region ${region}\n([^]*?)^ *// #endregion`, "gm");
  const parts = [...read(file).matchAll(pattern)].map(([, part = ""]) => toMargin(part));
  return parts.join("").trimEnd();
}

function toMargin(text: string): string {
  const indent = Math.min(
    ...[...text.matchAll(/^( *)\S/gm)].map(([, spaces = ""]) => spaces.length),
  );
  return text.replaceAll(new RegExp(`^ {${indent}}`, "gm"), "");
}

/** The names in the export lists of an index.ts. */
function exportsOf(source: string): string[] {
  const lists = [...read(source).matchAll(/export (?:type )?\{([^}]+)\}/g)];
  return lists.flatMap(([, list = ""]) => list.match(/\w+(?=\s*(?:,|$))/g) ?? []);
}

/** What a command reads from its command line, by the table that it gives to `readArguments`. */
function optionsOf(source: string): string[] {
  const [, table = ""] = /const OPTIONS = \{\n([^]*?)\n\} as const/.exec(read(source)) ?? [];
  const options = [...table.matchAll(/^ {2}"?([\w-]+)"?: \{(?:.*short: "(\w)")?/gm)];
  const names = options.flatMap(([, long, short]) => [`--${long}`, short && `-${short}`]);
  return names.filter((name) => name !== undefined).sort();
}

/** Options stand in `backticks`, alone or with the name of their value. */
function namedOptions(prose: string): string[] {
  const named = [...prose.matchAll(/`(--?\w[\w-]*)[^`]*`/g)].map(([, name = ""]) => name);
  return [...new Set(named)].sort();
}

/** What stands below a heading of level 2, up to the next one. */
function sectionOf(page: string, heading: string): string {
  const [, section = ""] = `${proseOf(`${REFERENCE}/${page}`)}\n## `.split(`\n## ${heading}\n`);
  return section.slice(0, section.indexOf("\n## "));
}

function headingsOf(page: string, level: number): string[] {
  const found = proseOf(page).matchAll(new RegExp(`^#{${level}} (.+)$`, "gm"));
  return [...found].map(([, heading = ""]) => heading.replaceAll("`", ""));
}

function leadsSomewhere(page: string, link: string): boolean {
  const [path = "", anchor] = link.split("#");
  const target = path === "" ? page : join(dirname(page), path);
  if (!exists(target)) return false;
  if (anchor === undefined) return true;
  const headings = [1, 2, 3, 4].flatMap((level) => headingsOf(target, level));
  return headings.some((heading) => slugOf(heading) === anchor);
}

/** As GitHub makes it. */
function slugOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\w\s-]/g, "")
    .replaceAll(" ", "-");
}

function openResources(): string[] {
  return process
    .getActiveResourcesInfo()
    .filter((name) => /^(TCP|Process|Worker|MessagePort)/.test(name));
}
