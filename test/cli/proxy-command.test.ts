// `crosswire proxy` as a process: what it serves, what it says, how it is refused, and how it ends.

import { readFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { openHttpOrigin } from "../engine/http-origin.ts";
import { until } from "../fixtures/wait.ts";
import { echoOf, openApp } from "../proxy/apps.ts";
import { runCommand, startCommand, startProxy } from "../proxy/command.ts";
import {
  ask,
  begin,
  jsonOf,
  openSocket,
  refusedSocket,
  unusedPort,
  writeConfig,
} from "../proxy/world.ts";

const CA_FILE = fileURLToPath(new URL("../fixtures/tls/ca.crt", import.meta.url));
const CLOCK = String.raw`^\d\d:\d\d:\d\d`;

function configOf(web: number, docs: number, more: object = {}): object {
  return {
    applications: {
      web: { development: { local: web } },
      docs: { development: { local: docs, ...more }, routing: [{ paths: ["/docs/:path*"] }] },
    },
  };
}

test("serves a file, says what it serves, and logs a line for each request", async () => {
  const [web, docs] = await Promise.all([openApp("web"), openApp("docs")]);
  const { url, banner, lines, stderr } = await startProxy(
    [writeConfig(configOf(web.port, docs.port))],
    {},
    3,
  );
  expect(banner.slice(1)).toEqual([
    `  web   http://localhost:${web.port}  (default)`,
    `  docs  http://localhost:${docs.port}  /docs/:path*`,
  ]);
  expect(echoOf(await ask(`${url}/docs/x?token=secret`)).app).toBe("docs");
  expect(await lines.next()).toMatch(new RegExp(`${CLOCK} GET /docs/x 200 \\d+ ms docs$`));
  expect(echoOf(await ask(url)).app).toBe("web");
  expect(await lines.next()).toMatch(new RegExp(`${CLOCK} GET / 200 \\d+ ms web$`));
  const { ws, messages } = await openSocket(`${url}/docs/hmr`);
  await messages.next();
  ws.close();
  expect(await lines.next()).toMatch(
    new RegExp(`${CLOCK} WS /docs/hmr 101 \\d+ ms docs \\(6 B up, \\d+ B down\\)$`),
  );
  expect(stderr()).toBe("");
});

test("finds the file in the working directory and above it", async () => {
  const web = await openApp("web");
  const file = writeConfig(configOf(web.port, await unusedPort()), "microfrontends.jsonc");
  const { url } = await startProxy([], { cwd: dirname(file) }, 3);
  expect(echoOf(await ask(url)).app).toBe("web");
});

test("sends everything to --target, and logs JSON with --json", async () => {
  const app = await openApp("app");
  const { url, banner, lines } = await startProxy(["--target", app.url, "--json"], {}, 1);
  expect(JSON.parse(banner[0]!)).toMatchObject({
    event: "listening",
    apps: [{ app: "everything", target: app.url }],
  });
  await ask(`${url}/x?token=secret`, { method: "POST", body: "12345" });
  expect(JSON.parse(await lines.next())).toMatchObject({
    kind: "http",
    method: "POST",
    path: "/x",
    status: 200,
    bytesUp: 5,
  });
});

test("sends what each --route says, and logs nothing with --quiet", async () => {
  const [api, site] = await Promise.all([openApp("api"), openApp("site")]);
  const {
    url,
    lines,
    process: child,
    finished,
  } = await startProxy(
    ["--route", `/api/:path*=${api.url}`, "--route", `/:path*=${site.url}`, "--quiet"],
    {},
    3,
  );
  expect(echoOf(await ask(`${url}/api/x`)).app).toBe("api");
  expect(echoOf(await ask(`${url}/x`)).app).toBe("site");
  child.kill("SIGTERM");
  await finished;
  expect(lines.waiting).toEqual([]);
});

test("is started as Turborepo starts its proxy, with the names of the applications it starts", async () => {
  const deployed = await openApp("deployed");
  const [web, docs] = [await unusedPort(), await unusedPort()];
  const config = configOf(web, docs, { fallback: deployed.url });
  const { url, lines } = await startProxy([writeConfig(config), "--names", "web", "docs"], {}, 3);
  const answered = ask(`${url}/docs/x`);
  const app = await openApp("docs", { port: docs });
  expect(echoOf(await answered).app).toBe("docs");
  expect(await lines.next()).toMatch(/GET \/docs\/x 200 \d+ ms docs( \(held \d+ ms\))?$/);
  expect([app.connections > 0, deployed.connections]).toEqual([true, 0]);
});

test("holds for as long as --hold says, and then tells why", async () => {
  const { url, lines } = await startProxy(["--target", "http://127.0.0.1:1", "--hold", "30"]);
  expect((await ask(url)).status).toBe(502);
  expect(await lines.next()).toMatch(
    /GET \/ 502 \d+ ms http:\/\/127\.0\.0\.1:1 \(held \d+ ms; XW_UNREACHABLE: Cannot connect to http:\/\/127\.0\.0\.1:1: ECONNREFUSED\. /,
  );
});

test("takes what is deployed over https, as far as its certificate is trusted", async () => {
  const deployed = await openHttpOrigin((_request, response) => response.end("deployed"), {
    certificate: "localhost",
  });
  const fallback = `https://localhost:${deployed.port}`;
  const file = writeConfig(configOf(await unusedPort(), await unusedPort(), { fallback }));
  const trusting = await startProxy([file], { env: { NODE_EXTRA_CA_CERTS: CA_FILE } }, 3);
  expect(await ask(`${trusting.url}/docs/x`)).toMatchObject({
    status: 200,
    body: "deployed",
    headers: { "x-crosswire-served-by": `fallback ${fallback}` },
  });
  expect(await trusting.lines.next()).toContain(`docs (from ${fallback})`);
  const careful = await startProxy([file], {}, 3);
  const answer = await ask(`${careful.url}/docs/x`);
  expect(answer.status).toBe(502);
  expect(jsonOf(answer)["error"]).toContain(`The certificate of ${fallback} is not trusted`);
});

test("lets in whom its options name", async () => {
  const app = await openApp("app");
  const { url, port } = await startProxy([
    ...["--target", app.url, "--allow-host", "dev.example"],
    ...["--allow-origin", "http://localhost:5173", "--trust-forwarded"],
  ]);
  const Host = `dev.example:${port}`;
  const echo = echoOf(await ask(url, { headers: { Host, "X-Forwarded-For": "192.0.2.1" } }));
  expect(echo.headers["x-forwarded-for"]).toBe("192.0.2.1, 127.0.0.1");
  await openSocket(url, { origin: "http://localhost:5173" });
  expect((await refusedSocket(url, { origin: "http://localhost:5174" })).status).toBe(403);
});

test("switches the flags on that it is given", async () => {
  const [web, docs] = await Promise.all([openApp("web"), openApp("docs")]);
  const file = writeConfig({
    applications: {
      web: { development: { local: web.port } },
      docs: {
        development: { local: docs.port },
        routing: [{ paths: ["/docs"], flag: "new-docs" }],
      },
    },
  });
  const [off, on] = await Promise.all([
    startProxy([file], {}, 3),
    startProxy([file, "--flag", "new-docs"], {}, 3),
  ]);
  expect(echoOf(await ask(`${off.url}/docs`)).app).toBe("web");
  expect(echoOf(await ask(`${on.url}/docs`)).app).toBe("docs");
});

test.each(["SIGTERM", "SIGINT"] as const)(
  "closes in order at %s: what is under way ends, WebSockets get 1001, and the code is 0",
  async (signal) => {
    const app = await openApp("app");
    const running = await startProxy(["--target", app.url]);
    const { closed, messages } = await openSocket(running.url);
    await messages.next();
    const request = begin(`${running.url}/upload`, { method: "POST" });
    const answered = until(request, "response");
    request.write("first");
    await until(() => app.connections === 2, "the upload to arrive");
    running.process.kill(signal);
    expect(await closed).toMatchObject({ code: 1001 });
    request.end();
    const [response] = (await answered) as [{ statusCode: number; resume(): void }];
    expect(response.statusCode).toBe(200);
    response.resume();
    expect(await running.finished).toMatchObject({ code: 0, stderr: "" });
    const logged = running.lines.waiting.map((line) => /(WS|POST) \S+ \d+/.exec(line)?.[0]);
    expect(new Set(logged)).toEqual(new Set(["POST /upload 200", "WS / 101"]));
  },
);

test("does not wait at a second signal", async () => {
  const app = await openApp("app");
  const running = await startProxy(["--target", app.url]);
  const { closed } = await openSocket(running.url);
  const request = begin(running.url, { method: "POST" });
  request.on("error", () => {});
  request.write("never the whole of it");
  await until(() => app.connections === 2, "the upload to arrive");
  running.process.kill("SIGTERM");
  await closed;
  running.process.kill("SIGTERM");
  expect((await running.finished).code).toBe(1);
});

test("goes on when nobody reads its log any more", async () => {
  const app = await openApp("app");
  const { url, process: child, finished, stderr } = await startProxy(["--target", app.url]);
  child.stdout?.destroy();
  for (let n = 0; n < 5; n++) expect((await ask(url)).status).toBe(200);
  child.kill("SIGTERM");
  expect((await finished).code).toBe(0);
  expect(stderr()).toBe("");
});

test("says where in the file each problem is, and ends with code 1", async () => {
  const file = writeConfig(`{
  "applications": {
    "web": {},
    "docs": { "routing": [{ "paths": ["/api/*", "/docs/:path*/x"] }] }
  }
}`);
  const { code, stdout, stderr } = await runCommand(["proxy", file], { cwd: dirname(file) });
  const name = basename(file);
  expect([code, stdout]).toEqual([1, ""]);
  expect(stderr).toMatch(new RegExp(`^crosswire: .*${name}:4:39: `));
  expect(stderr).toMatch(new RegExp(`${name}:4:49: `));
  expect(stderr).not.toContain("    at ");
});

test("warns of what is odd in the file, and serves it", async () => {
  const file = writeConfig({ applications: { web: { development: { local: 4000, port: 1 } } } });
  const { stderr } = await startProxy([file], {}, 2);
  await until(() => stderr() !== "", "the warning");
  expect(stderr()).toMatch(/microfrontends\.json:\d+:\d+: .*"port"/);
});

test("says that there is no file, or no port, and ends with code 1", async () => {
  const directory = dirname(writeConfig("{}"));
  const missing = await runCommand(["proxy", `${directory}/other.json`]);
  expect([missing.code, missing.stdout]).toEqual([1, ""]);
  expect(missing.stderr).toMatch(/^crosswire: .*other\.json cannot be read: ENOENT/);
  const holder = await openApp("holder");
  const { code, stderr } = await runCommand([
    "proxy",
    ...["--target", "http://127.0.0.1:1", "--port", String(holder.port)],
  ]);
  expect(code).toBe(1);
  expect(stderr).toBe(
    `crosswire: Port ${holder.port} of 127.0.0.1 is taken, perhaps by another proxy. End that one, or choose another port.\n`,
  );
});

test("asks for a token of its own where it can be reached from other machines", async () => {
  const args = ["--target", "http://127.0.0.1:1", "--host", "0.0.0.0"];
  const refused = await runCommand(["proxy", "--port", "0", ...args]);
  expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining("needs a token")]);
  const token = "a-token-of-32-characters-or-more";
  const command = startCommand(["proxy", "--port", "0", ...args], {
    env: { CROSSWIRE_TOKEN: token },
  });
  const port = /:(\d+)$/.exec(await command.lines.next())?.[1];
  const url = `http://127.0.0.1:${port}/__crosswire/health`;
  expect((await ask(url)).status).toBe(401);
  expect((await ask(url, { headers: { Authorization: `Bearer ${token}` } })).status).toBe(200);
});

test.each<[string, readonly string[], string]>([
  ["an option that there is not", ["--prot", "1"], "Unknown option '--prot'"],
  ["a port that is no number", ["--port", "x1"], '--port needs a whole number, but is "x1".'],
  ["a target that is none", ["--target", "localhost:4000"], '"localhost:4000" is no target'],
  ["a route without a target", ["--route", "/api"], "--route needs the form left=right"],
  ["two ways", ["--target", "http://x", "--route", "/a=http://y"], "exclude each other"],
  ["two files", ["a.json", "b.json"], 'What is "b.json"?'],
])("refuses %s with code 2", async (_what, args, text) => {
  const { code, stdout, stderr } = await runCommand(["proxy", ...args]);
  expect([code, stdout]).toEqual([2, ""]);
  expect(stderr).toMatch(/^crosswire: /);
  expect(stderr).toContain(text);
  expect(stderr).not.toContain("    at ");
});

test("--help names each option that there is", async () => {
  const { code, stdout, stderr } = await runCommand(["proxy", "--help"]);
  expect([code, stderr]).toEqual([0, ""]);
  const source = readFileSync(new URL("../../src/cli/proxy-command.ts", import.meta.url), "utf8");
  const [, table = ""] = /const OPTIONS = \{([^]*?)\n\} as const/.exec(source) ?? [];
  const names = [...table.matchAll(/^ {2}"?([\w-]+)"?: \{/gm)].map(([, name = ""]) => name);
  expect(names.length).toBeGreaterThan(10);
  expect(names.filter((name) => !stdout.includes(`--${name}`))).toEqual([]);
});
