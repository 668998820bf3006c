// The file: both products' settings, every problem at once with its place, warnings, and where it is found.

import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { type CrosswireError, isCrosswireError } from "../../src/errors.ts";
import { parseFallback, parseLocalHost } from "../../src/http/microfrontends/hosts.ts";
import { loadMicrofrontends } from "../../src/http/microfrontends/load.ts";
import { SEED } from "../fixtures/seed.ts";
import { parse, problemsOf } from "./config-text.ts";

fc.configureGlobal({ seed: SEED });

/** A directory with these files, gone at the end of the test. */
function directoryWith(files: Readonly<Record<string, string>>): string {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), "crosswire-mfe-")));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(directory, name, ".."), { recursive: true });
    writeFileSync(join(directory, name), text);
  }
  return directory;
}

function enter(directory: string): void {
  const spy = vi.spyOn(process, "cwd").mockReturnValue(directory);
  onTestFinished(() => spy.mockRestore());
}

function failure(action: () => unknown): CrosswireError {
  try {
    action();
  } catch (error) {
    if (isCrosswireError(error)) return error;
    throw error;
  }
  throw new Error("A failure was expected.");
}

const SAMPLE = `{
  // as both products' documentation writes it
  "$schema": "https://openapi.vercel.sh/microfrontends.json",
  "version": "1",
  "options": { "localProxyPort": 3025, "disableOverrides": true },
  "applications": {
    "main-site": {
      "packageName": "web",
      "development": {
        "local": { "port": 3331 },
        "fallback": { "protocol": "https", "host": "main-preview.example.com" },
        "task": "start",
      },
      "production": { "protocol": "https", "host": "main.com" },
      "vercel": { "projectId": "prj_abc123" },
    },
    "marketing": {
      "routing": [
        { "group": "blog", "flag": "enable_blog", "paths": ["/blog", "/blog/:slug*"] },
        { "paths": ["/contact"] },
      ],
      "development": { "local": "https://my.localhost.me:8080", "fallback": "marketing.example.com" },
      "assetPrefix": "mkt-assets",
    },
    "docs": { "routing": [{ "paths": ["/docs/:path*"] }] },
  },
}`;

describe("the settings of both products", () => {
  const sample = parse(SAMPLE);
  const [main, marketing, docs] = sample.apps;

  test("are read without a warning", () => {
    expect(sample.warnings).toEqual([]);
    expect(sample).toMatchObject({ proxyPort: 3025, areOverridesDisabled: true });
    expect(sample.apps.map(({ name }) => name)).toEqual(["main-site", "marketing", "docs"]);
    expect(sample.defaultApp).toBe(main);
    expect(main).toMatchObject({
      packageName: "web",
      isDefault: true,
      local: { protocol: "http", host: "localhost", port: 3331 },
      hasGeneratedPort: false,
      fallback: "https://main-preview.example.com",
      task: "start",
      at: { line: 7, column: 5 },
    });
    expect(marketing).toMatchObject({
      local: { protocol: "https", host: "my.localhost.me", port: 8080 },
      fallback: "https://marketing.example.com",
      assetPrefix: "mkt-assets",
    });
    expect(marketing?.rules).toEqual([
      {
        app: "marketing",
        pattern: "/blog",
        group: "blog",
        flag: "enable_blog",
        line: 19,
        column: 61,
      },
      {
        app: "marketing",
        pattern: "/blog/:slug*",
        group: "blog",
        flag: "enable_blog",
        line: 19,
        column: 70,
      },
      { app: "marketing", pattern: "/contact", line: 20, column: 21 },
    ]);
  });

  test("give an application without a fallback that of the default one", () => {
    expect(docs?.fallback).toBe("https://main-preview.example.com");
    expect(docs?.hasGeneratedPort).toBe(true);
  });

  test("that Crosswire does not use are kept", () => {
    expect({ ...main?.extra }).toEqual({
      production: { protocol: "https", host: "main.com" },
      vercel: { projectId: "prj_abc123" },
    });
  });

  test("find an application by its package, or by its name", () => {
    expect(sample.appOfPackage("web")).toBe(main);
    expect(sample.appOfPackage("docs")).toBe(docs);
    expect(sample.appOfPackage("other")).toBeUndefined();
    const swapped = parse({
      applications: { a: { packageName: "b" }, b: { packageName: "a", routing: [] } },
    });
    expect(swapped.appOfPackage("a")?.name).toBe("b");
  });
});

describe("what is wrong is said, all at once, with place and remedy", () => {
  test("in the order of the file, and as data", () => {
    const text = `{
  "version": "2",
  "options": { "localProxyPort": "3024", "disableOverrides": 1 },
  "applications": {
    "web": { "development": { "local": 70000, "fallback": "https://user:secret@example.com" } },
    "docs": { "packageName": "", "routing": [{ "paths": ["/docs/*", 7] }, { "group": 1 }, "/x"] },
    "blog": { "assetPrefix": "/blog/", "development": { "local": "localhost:0" } },
    "shop": []
  }
}`;
    expect(problemsOf(text)).toEqual([
      'microfrontends.json:2:14: "version" is "2", which is not known; write "1"',
      'microfrontends.json:3:34: "localProxyPort" is "3024"; write a port from 1 to 65535',
      'microfrontends.json:3:62: "disableOverrides" is 1; write true or false',
      'microfrontends.json:5:40: "development.local" of the application "web" is 70000; write a port from 1 to 65535',
      'microfrontends.json:5:59: "https://…@example.com" has a user or a password; leave them away',
      'microfrontends.json:6:30: "packageName" of the application "docs" is ""; write a text that is not empty',
      'microfrontends.json:6:58: the path "/docs/*" has a "*" that follows no parameter; write ":path*" for any number of segments, or "\\\\*" for the character',
      'microfrontends.json:6:69: a path of the application "docs" is 7; write a text that is not empty',
      'microfrontends.json:6:75: a routing group of the application "docs" has no "paths"; add them',
      'microfrontends.json:6:86: "group" of a routing group of the application "docs" is 1; write a text that is not empty',
      'microfrontends.json:6:91: a routing group of the application "docs" is "/x"; write an object, { … }',
      'microfrontends.json:7:5: "blog" has no "routing", and "web" on line 5 has none either, but there can be one default application; add "routing" to one of them',
      'microfrontends.json:7:30: "assetPrefix" of the application "blog" is "/blog/"; begin it with a small letter and write only small letters, digits and "-", no slash',
      'microfrontends.json:7:66: "localhost:0" has no valid port; write one from 1 to 65535',
      'microfrontends.json:8:13: the application "shop" is an array; write an object, { … }',
    ]);
    const { detail, message } = failure(() => parse(text));
    expect(detail).toMatchObject({ problems: { length: 15, 0: { line: 2, column: 14 } } });
    expect(message).not.toContain("secret");
  });

  test.each([
    ["{}", '1:1: there are no "applications"; add them, each with a name'],
    ["[]", "1:1: the file is an array; write an object, { … }"],
    ["7", "1:1: the file is 7; write an object, { … }"],
    ['{"applications": []}', '1:18: "applications" is an array; write an object, { … }'],
    ['{"applications": {}}', "1:2: No default application found"],
    [
      '{"partOf": "web"}',
      '1:2: the configuration is that of the application "web"; give the file of its package',
    ],
    [
      '{"applications": {"a": {}, "a": {}}}',
      '1:28: "a" is given a second time, first on line 1; remove one',
    ],
  ])("%s", (text, problem) => {
    expect(problemsOf(text)).toEqual([expect.stringContaining(`microfrontends.json:${problem}`)]);
  });

  test("two applications on one port are refused with both lines, under any name of this machine", () => {
    const local = ["localhost:4000", "http://127.0.0.1:4000", "[::1]:4000", "a.localhost:4000"];
    const [web, ...others] = local.map((text) => ({ development: { local: text } }));
    const apps = others.map((app, i) => [`app${i}`, { ...app, routing: [] }]);
    const problems = problemsOf({ applications: { web, ...Object.fromEntries(apps) } });
    expect(problems).toHaveLength(3);
    expect(problems[0]).toBe(
      'microfrontends.json:10:18: "app0" has the port 4000, which "web" on line 5 has too; give one of them another',
    );
  });

  test("two applications on one port of different machines are not", () => {
    const applications = {
      web: { development: { local: "10.0.0.1:4000" } },
      docs: { development: { local: "10.0.0.2:4000" }, routing: [] },
    };
    expect(problemsOf({ applications })).toEqual([]);
  });

  test("an application on the proxy's port is refused", () => {
    const applications = { web: { development: { local: 3024 } } };
    expect(problemsOf({ applications })).toEqual([
      expect.stringContaining('"web" has the port 3024, where the proxy itself listens'),
    ]);
    expect(problemsOf({ options: { localProxyPort: 3025 }, applications })).toEqual([]);
  });

  test("a generated port gives way to one that the file names", () => {
    const { apps, warnings } = parse({
      applications: {
        "test-450": {},
        docs: { development: { local: 7724 }, routing: [{ paths: ["/docs"] }] },
      },
    });
    expect(apps.map(({ local }) => local.port)).toEqual([7725, 7724]);
    expect(warnings).toEqual([
      expect.stringContaining('3:5: the port made from the name "test-450" is 7724'),
    ]);
  });

  test("any value in any place is read or refused, and nothing else happens", () => {
    const names = fc.constantFrom(
      "applications",
      "development",
      "routing",
      "paths",
      "local",
      "fallback",
      "port",
      "host",
      "flag",
      "options",
      "version",
      "partOf",
      "assetPrefix",
      "__proto__",
      "web",
    );
    const leaf = fc.oneof(
      fc.constantFrom<unknown>(
        "1",
        "/a",
        "/:x",
        3000,
        null,
        true,
        -1,
        "",
        "localhost:3000",
        "x y",
        "ftp://x",
        "\ud800",
        "http://[",
        "%",
      ),
      fc.string({ unit: "binary", maxLength: 8 }),
    );
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 7 },
        leaf,
        fc.array(tie("value"), { maxLength: 3 }),
        tie("object"),
      ),
      object: fc.dictionary(names, tie("value"), { maxKeys: 5 }),
    }));
    const applications = fc
      .dictionary(names, value)
      .map((apps) => ({ applications: { web: {}, ...apps } }));
    fc.assert(
      fc.property(fc.oneof(value, applications), (config) => {
        for (const problem of problemsOf(config)) {
          expect(problem).toMatch(/^microfrontends\.json:\d+:\d+: ./);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

test("an unknown setting is a warning with its place and the known ones", () => {
  const { warnings, defaultApp } = parse(
    '{"applications": {\n"web": {"devlopment": {}, "development": {"port": 1}, "__proto__": 2}}, "x": 1}',
  );
  expect(warnings).toEqual([
    'microfrontends.json:2:9: "devlopment" of the application "web" is not known and has no effect; known: packageName, development, routing, assetPrefix',
    'microfrontends.json:2:43: "port" of "development" of the application "web" is not known and has no effect; known: local, fallback, task',
    'microfrontends.json:2:55: "__proto__" of the application "web" is not known and has no effect; known: packageName, development, routing, assetPrefix',
    'microfrontends.json:2:73: "x" of the file is not known and has no effect; known: $schema, version, applications, options, partOf',
  ]);
  expect(Object.keys(defaultApp.extra)).toEqual(["devlopment", "__proto__"]);
});

test("an application that no request can reach is a warning", () => {
  const { warnings } = parse({ applications: { web: {}, docs: { routing: [] } } });
  expect(warnings).toEqual([
    expect.stringContaining('the application "docs" has an empty "routing"'),
  ]);
});

describe("a local address", () => {
  test.each([
    ["3000", "http", "localhost", 3000],
    ["my.localhost.me", "http", "my.localhost.me", undefined],
    ["my.localhost.me:8080", "http", "my.localhost.me", 8080],
    ["https://my.localhost.me", "https", "my.localhost.me", undefined],
    ["https://my.localhost.me:443", "https", "my.localhost.me", 443],
    ["http://[::1]:3000/", "http", "[::1]", 3000],
    ["[::1]", "http", "[::1]", undefined],
    ["LOCALHOST:3000", "http", "localhost", 3000],
  ])("%s", (text, protocol, host, port) => {
    expect(parseLocalHost(text)).toEqual({ protocol, host, port });
  });

  test.each([
    "",
    " ",
    "a b",
    "localhost:3000/x",
    "localhost?x",
    "http://a@b",
    "http://",
    "ws://localhost",
    "localhost:99999",
    "localhost:",
    "a\\b",
    "http://[",
    "0",
    "65536",
    "file:///etc/passwd",
    "localhost:x",
  ])("%j is none", (text) => {
    expect(failure(() => parseLocalHost(text)).code).toBe("XW_CONFIG");
  });
});

describe("a fallback", () => {
  test.each([
    ["example.com", "https://example.com"],
    ["http://example.com:80", "http://example.com"],
    ["example.com:8443/base//", "https://example.com:8443/base"],
  ])("%s is %s", (text, url) => {
    expect(parseFallback(text)).toBe(url);
  });

  test.each([
    "",
    "ftp://example.com",
    "https://example.com/?a",
    "example.com#a",
    "u:p@example.com",
    "exa mple.com",
  ])("%j is none", (text) => {
    expect(failure(() => parseFallback(text)).code).toBe("XW_CONFIG");
  });
});

describe("the file is found", () => {
  const TEXT = '{"applications": {"web": {}}}';

  test("by its path, from the working directory", () => {
    const directory = directoryWith({ "apps/mfe.json": TEXT });
    enter(directory);
    const { file, shownAs } = loadMicrofrontends(join(directory, "apps/mfe.json"));
    expect([file, shownAs]).toEqual([join(directory, "apps/mfe.json"), join("apps", "mfe.json")]);
  });

  test("in a directory, under either name, .jsonc first", () => {
    const directory = directoryWith({
      "a/microfrontends.json": TEXT,
      "b/microfrontends.jsonc": TEXT,
    });
    expect(loadMicrofrontends(join(directory, "a")).file).toMatch(/microfrontends\.json$/);
    expect(loadMicrofrontends(join(directory, "b")).file).toMatch(/microfrontends\.jsonc$/);
    writeFileSync(join(directory, "a/microfrontends.jsonc"), TEXT);
    expect(loadMicrofrontends(join(directory, "a")).file).toMatch(/microfrontends\.jsonc$/);
  });

  test("in the nearest directory above the working one", () => {
    const directory = directoryWith({
      "microfrontends.json": TEXT,
      "apps/web/microfrontends.json": TEXT,
    });
    enter(join(directory, "apps/web"));
    expect(loadMicrofrontends().file).toBe(join(directory, "apps/web/microfrontends.json"));
    mkdirSync(join(directory, "apps/docs/src"), { recursive: true });
    vi.spyOn(process, "cwd").mockReturnValue(join(directory, "apps/docs/src"));
    expect(loadMicrofrontends().file).toBe(join(directory, "microfrontends.json"));
    expect(loadMicrofrontends().shownAs).toBe(join(directory, "microfrontends.json"));
  });

  test("through symbolic links, so that every process calls it the same", () => {
    const directory = directoryWith({ "real/microfrontends.json": TEXT });
    symlinkSync(join(directory, "real"), join(directory, "link"));
    expect(loadMicrofrontends(join(directory, "link")).file).toBe(
      join(directory, "real/microfrontends.json"),
    );
  });

  test("or its absence is told, with where it was looked for", () => {
    const directory = directoryWith({ "empty/.keep": "" });
    enter(join(directory, "empty"));
    const { code, message } = failure(() => loadMicrofrontends());
    expect(code).toBe("XW_CONFIG");
    expect(message).toContain(
      `There is no microfrontends.jsonc or microfrontends.json in ${directory}`,
    );
    expect(failure(() => loadMicrofrontends("none.json")).message).toContain(
      "none.json cannot be read",
    );
    expect(failure(() => loadMicrofrontends(directory)).code).toBe("XW_CONFIG");
  });

  test("and one without end is not read", () => {
    const directory = directoryWith({ "microfrontends.json": " ".repeat(1024 * 1024 + 1) });
    expect(failure(() => loadMicrofrontends(directory)).message).toContain("larger than");
  });

  test("and a wrong argument is a TypeError", () => {
    expect(() => loadMicrofrontends("")).toThrow(TypeError);
    expect(() => loadMicrofrontends(7 as unknown as string)).toThrow(TypeError);
  });

  test("and problems are told by the path that the user would type", () => {
    const directory = directoryWith({ "apps/microfrontends.json": "{\n\n}" });
    enter(directory);
    expect(failure(() => loadMicrofrontends(join(directory, "apps"))).message).toBe(
      `${join("apps", "microfrontends.json")}:1:1: there are no "applications"; add them, each with a name`,
    );
  });
});
