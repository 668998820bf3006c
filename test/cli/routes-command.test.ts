// `crosswire routes` and `crosswire` itself, as processes.

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { ROOT, runCommand } from "../proxy/command.ts";
import { writeConfig } from "../proxy/world.ts";

const CONFIG = {
  applications: {
    web: { development: { local: 4000 } },
    docs: {
      development: { local: 4001 },
      routing: [
        { paths: ["/docs/:path*", "/docs/api"] },
        { paths: ["/beta"], flag: "beta", group: "new" },
      ],
    },
  },
};

function inPlace(): { readonly cwd: string } {
  return { cwd: dirname(writeConfig(CONFIG)) };
}

test("routes lists each rule with its application and line", async () => {
  const { code, stdout, stderr } = await runCommand(["routes"], inPlace());
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout.split("\n")).toEqual([
    "(default)     web   microfrontends.json:3",
    "/docs/:path*  docs  microfrontends.json:15",
    "/docs/api     docs  microfrontends.json:16",
    "/beta         docs  microfrontends.json:21  flag beta",
    "",
  ]);
});

test("routes --json says the same as data", async () => {
  const { stdout } = await runCommand(["routes", writeConfig(CONFIG), "--json"]);
  expect(JSON.parse(stdout)).toMatchObject({
    routes: [{ pattern: "(default)", app: "web" }, {}, { pattern: "/docs/api", app: "docs" }, {}],
    warnings: [],
  });
});

test("routes explain says which rule wins, and why each other one does not", async () => {
  const { code, stdout } = await runCommand(["routes", "explain", "/docs/api"], inPlace());
  expect(code).toBe(0);
  const [first, ...rest] = stdout.split("\n");
  expect(first).toBe("/docs/api goes to docs (port 4001)");
  expect(rest.join("\n")).toContain("microfrontends.json:16");
  expect(rest.join("\n")).toMatch(
    /- \/docs\/:path\* .*matches too, but \/docs\/api comes before it/,
  );
  expect(rest.join("\n")).toMatch(/- \/beta .*segment 1 is "docs", not "beta"/);
});

test("routes explain takes a whole URL, a path without its slash, and flags", async () => {
  const options = inPlace();
  const [url, bare, off, on] = await Promise.all([
    runCommand(["routes", "explain", "http://localhost:3024/docs/x?y=1"], options),
    runCommand(["routes", "explain", "docs/x"], options),
    runCommand(["routes", "explain", "/beta"], options),
    runCommand(["routes", "explain", "/beta", "--flag", "beta", "--json"], options),
  ]);
  expect(url.stdout).toContain("/docs/x goes to docs (port 4001)\n");
  expect(bare.stdout).toContain("/docs/x goes to docs (port 4001)\n");
  expect(off.stdout).toMatch(/\/beta goes to web[^]*its flag "beta" is off/);
  expect(JSON.parse(on.stdout)).toMatchObject({ app: "docs", by: "route", rule: { flag: "beta" } });
});

test("routes explain without a path, and options that there are not, are misuse", async () => {
  const [pathless, unknown] = await Promise.all([
    runCommand(["routes", "explain"]),
    runCommand(["routes", "--nonsense"]),
  ]);
  expect([pathless.code, pathless.stderr]).toEqual([
    2,
    "crosswire: crosswire routes explain needs a path, /docs/intro for example.\n",
  ]);
  expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining("'--nonsense'")]);
});

test("routes says where the file is wrong", async () => {
  const text = '{\n  "applications": {\n    "web": {}, "docs": 7\n  }\n}';
  const cwd = dirname(writeConfig(text));
  const { code, stdout, stderr } = await runCommand(["routes"], { cwd });
  expect([code, stdout]).toEqual([1, ""]);
  expect(stderr).toMatch(/^crosswire: microfrontends\.json:3:24: /);
});

test.each([[], ["help"], ["--help"], ["-h"]])(
  "crosswire %s tells the commands",
  async (...args) => {
    const { code, stdout, stderr } = await runCommand(args);
    expect([code, stderr]).toEqual([0, ""]);
    for (const name of ["crosswire proxy", "crosswire routes", "explain <path>"])
      expect(stdout).toContain(name);
  },
);

test("the options of routes are told by --help, and the version by --version", async () => {
  const [help, version] = await Promise.all([
    runCommand(["routes", "--help"]),
    runCommand(["--version"]),
  ]);
  for (const option of ["--flag", "--json", "--config"]) expect(help.stdout).toContain(option);
  const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
    version: string;
  };
  expect(version).toMatchObject({ code: 0, stdout: `${manifest.version}\n` });
});

test.each(["prox", "__proto__", "constructor"])("there is no command %s", async (name) => {
  expect(await runCommand([name])).toEqual({
    code: 2,
    stdout: "",
    stderr: `crosswire: There is no command "${name}"; there are proxy, routes, run.\n`,
  });
});
