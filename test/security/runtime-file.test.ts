// The token and the file in which a server leaves it: only its user can read it, only its own server is
// shown it, and it appears nowhere else.

import {
  chmodSync,
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import {
  type CrosswireError,
  IPCClient,
  type IPCServer,
  IPCServer as Server,
  type TraceEvent,
} from "crosswire";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { openRawServer } from "../fixtures/raw-server.ts";
import { startChild } from "../fixtures/child.ts";
import { rejection } from "../fixtures/wait.ts";
import { createClient, openPair, openServer } from "../public/pair.ts";

const echo = Server.defineRequest<string, string>("runtime/echo");
const fail = Server.defineRequest<void, void>("runtime/fail");

/** The directory that the server of this test uses. */
function directory(): string {
  return String(process.env["CROSSWIRE_RUNTIME_DIR"]);
}

function fileOf(server: IPCServer): string {
  return join(directory(), `${server.getPort()}.json`);
}

function modeOf(path: string): number {
  return statSync(path).mode & 0o777;
}

/** Sets a variable of the environment for one test. */
function setEnv(name: string, value: string): void {
  vi.stubEnv(name, value);
  onTestFinished(() => void vi.unstubAllEnvs());
}

/** Makes `name` below the directory of this file the runtime directory of one test. */
function useDirectory(name: string): string {
  const path = join(directory(), name);
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  setEnv("CROSSWIRE_RUNTIME_DIR", path);
  return path;
}

async function refusedStart(): Promise<CrosswireError> {
  const server = new Server(0);
  onTestFinished(() => server.close());
  return (await rejection(server.start())) as CrosswireError;
}

describe("the runtime file", () => {
  test("can be read by its user only, in a directory that is entered by its user only", async () => {
    const path = useDirectory("fresh/made");
    const server = await openServer({ name: "modes" });
    expect(modeOf(path)).toBe(0o700);
    expect(modeOf(fileOf(server))).toBe(0o600);
  });

  test("is as private when the user's umask is not", async () => {
    const path = useDirectory("umask");
    const umask = process.umask(0);
    const server = await openServer().finally(() => process.umask(umask));
    expect(modeOf(path)).toBe(0o700);
    expect(modeOf(fileOf(server))).toBe(0o600);
  });

  test("tells what a client needs, and no more", async () => {
    const server = await openServer({ name: "teller" });
    expect(JSON.parse(readFileSync(fileOf(server), "utf8"))).toEqual({
      url: server.getUrl(),
      token: server.token,
      pid: process.pid,
      instanceId: expect.any(String) as string,
      name: "teller",
    });
  });

  test("is there before the port answers, and gone when the server is closed", async () => {
    useDirectory("lifetime");
    const server = await openServer();
    expect(readdirSync(directory())).toEqual([`${server.getPort()}.json`]);
    await server.close();
    expect(readdirSync(directory())).toEqual([]);
  });

  test("is replaced as a whole: who has the old one open reads the old one to its end", async () => {
    useDirectory("replaced");
    const first = await openServer();
    const port = first.getPort();
    const file = fileOf(first);
    await first.close();
    writeFileSync(file, '{"stale":true}', { mode: 0o644 });
    const old = openSync(file, "r");
    onTestFinished(() => closeSync(old));
    const second = await openServer({}, port);
    expect(readFileSync(old, "utf8")).toBe('{"stale":true}');
    expect(readFileSync(file, "utf8")).toContain(second.token);
    expect(modeOf(file)).toBe(0o600);
    expect(readdirSync(directory())).toEqual([`${port}.json`]);
  });

  test("of a newer server is left alone by the close of an older one", async () => {
    const server = await openServer();
    const file = fileOf(server);
    const newer = { url: "x", token: "y", pid: process.pid, instanceId: "newer" };
    writeFileSync(file, JSON.stringify(newer));
    onTestFinished(() => rmSync(file));
    await server.close();
    expect(readFileSync(file, "utf8")).toContain("newer");
  });

  test("is not written by a server that did not get the port", async () => {
    useDirectory("held");
    const holder = await openServer();
    const written = readFileSync(fileOf(holder), "utf8");
    const late = new Server(holder.getPort());
    expect(await late.start()).toBe(false);
    await late.close();
    expect(readFileSync(fileOf(holder), "utf8")).toBe(written);
  });
});

describe("a server does not start, and leaves no port open, when its runtime directory", () => {
  test("is a symbolic link", async () => {
    const target = join(directory(), "link-target");
    mkdirSync(target, { mode: 0o700 });
    onTestFinished(() => rmSync(target, { recursive: true }));
    const path = useDirectory("link");
    symlinkSync(target, path);
    expect(await refusedStart()).toMatchObject({ code: "XW_LISTEN" });
    expect(readdirSync(target)).toEqual([]);
  });

  test.each([0o755, 0o777, 0o770, 0o701, 0o1777])("has the mode %o", async (mode) => {
    const path = useDirectory("foreign-mode");
    mkdirSync(path);
    chmodSync(path, mode);
    const { code, message } = await refusedStart();
    expect(code).toBe("XW_LISTEN");
    expect(message).toContain("0700");
    expect(readdirSync(path)).toEqual([]);
  });

  test("belongs to somebody else", async () => {
    const path = useDirectory("foreign-user");
    mkdirSync(path, { mode: 0o700 });
    const other = Number(process.getuid?.()) + 1;
    const spy = vi.spyOn(process, "getuid").mockReturnValue(other);
    onTestFinished(() => spy.mockRestore());
    const { code, message } = await refusedStart();
    expect(code).toBe("XW_LISTEN");
    expect(message).toContain("another user");
    expect(readdirSync(path)).toEqual([]);
  });

  test("is a file", async () => {
    const path = useDirectory("file");
    writeFileSync(path, "");
    expect(await refusedStart()).toMatchObject({ code: "XW_LISTEN" });
  });
});

describe("a client takes no token", () => {
  test.each([
    { from: "a directory that others can enter", spoil: (dir: string) => chmodSync(dir, 0o755) },
    {
      from: "a file that is no JSON",
      spoil: (_: string, file: string) => writeFileSync(file, '{"token":'),
    },
    {
      from: "a file of another form",
      spoil: (_: string, file: string) => writeFileSync(file, '{"token":["x"]}'),
    },
    {
      from: "a file without end",
      spoil: (_: string, file: string) => writeFileSync(file, " ".repeat(100_000)),
    },
    { from: "a file that is gone", spoil: (_: string, file: string) => rmSync(file) },
  ])("from $from", async ({ spoil }) => {
    const path = useDirectory("spoilt");
    const server = await openServer();
    spoil(path, fileOf(server));
    const client = new IPCClient(server.getPort());
    expect(await rejection(client.connect())).toMatchObject({
      code: "XW_REFUSED",
      detail: { status: 401 },
    });
  });
});

describe("the token", () => {
  test("is 256 bits of chance, new for each server", async () => {
    const tokens = await Promise.all([1, 2, 3].map(async () => (await openServer()).token));
    for (const token of tokens) expect(Buffer.from(token, "base64url")).toHaveLength(32);
    expect(new Set(tokens).size).toBe(3);
  });

  test("appears in no event, no error, no address and no description of a conversation", async () => {
    const seen: unknown[] = [];
    const trace = (event: TraceEvent): void => void seen.push(event);
    const { server, client } = await openPair({ server: { trace }, client: { trace } });
    server.onFrameworkMessage(echo, (text) => text);
    server.onFrameworkMessage(fail, () => {
      throw new Error("on purpose");
    });
    await client.sendFrameworkRequest(echo, "text");
    seen.push(await rejection(client.sendFrameworkRequest(fail)));
    seen.push(await rejection(createClient(server, { token: "w".repeat(43) }).connect()));
    seen.push(server.getUrl(), server.clients(), server.getPort());
    await server.close();
    seen.push(await rejection(client.sendFrameworkRequest(echo, "late")));
    seen.push(await rejection(client.connect()));
    const text = inspect(seen, { depth: Infinity, showHidden: true, maxStringLength: Infinity });
    expect(text).toContain("on purpose");
    expect(text).not.toContain(server.token);
    expect(text).not.toContain("wwwww");
  });

  test("is sent in a header, never in the URL, which logs keep", async () => {
    const { port, heads } = await openRawServer((socket) => socket.end());
    await rejection(new IPCClient(port, { token: "secret-secret-secret" }).connect("worker"));
    const [requestLine = "", ...headers] = String(heads[0]).split("\r\n");
    expect(requestLine).toBe("GET /__crosswire/ipc?runtimeId=worker HTTP/1.1");
    expect(headers).toContain("Authorization: Bearer secret-secret-secret");
  });

  test("of the environment is shown to the server of the environment", async () => {
    const { port, heads } = await openRawServer((socket) => socket.end());
    setEnv("CROSSWIRE_URL", `http://127.0.0.1:${port}`);
    setEnv("CROSSWIRE_TOKEN", "environment-token");
    await rejection(new IPCClient().connect());
    expect(heads[0]).toContain("Authorization: Bearer environment-token\r\n");
  });

  test.each([
    { what: "on another port", url: "http://127.0.0.1:1" },
    { what: "under another name", url: "http://crosswire.example:PORT" },
    { what: "on another path", url: "http://127.0.0.1:PORT/other" },
    { what: "by another scheme", url: "wss://127.0.0.1:PORT" },
    { what: "on a Unix socket", url: "ws+unix:/nowhere/PORT.sock" },
  ])("of the environment is not shown when its server is $what", async ({ url }) => {
    const { port, heads } = await openRawServer((socket) => socket.end());
    setEnv("CROSSWIRE_URL", url.replace("PORT", String(port)));
    setEnv("CROSSWIRE_TOKEN", "environment-token");
    await rejection(new IPCClient(port).connect());
    expect(heads).toHaveLength(1);
    expect(heads[0]).not.toContain("environment-token");
    expect(heads[0]).not.toMatch(/^authorization:/im);
  });

  test("is not carried to where a server redirects", async () => {
    const other = await openRawServer((socket) => socket.end());
    const { port } = await openRawServer((socket) => {
      socket.end(`HTTP/1.1 307 X\r\nLocation: http://127.0.0.1:${other.port}/\r\n\r\n`);
    });
    await rejection(new IPCClient(port, { token: "secret-secret-secret" }).connect());
    expect(other.heads).toEqual([]);
  });

  test("reaches a child through its environment, and stands in no command line", async () => {
    const server = await openServer();
    server.onFrameworkMessage(echo, (text) => `${text}!`);
    // The runtime file is out of the child's reach, so the environment is all it has.
    const env = { ...server.env, CROSSWIRE_RUNTIME_DIR: join(directory(), "elsewhere") };
    const child = startChild("echo-caller.ts", { env });
    expect(await child.lines.next()).toBe("child!");
    expect(child.process.spawnargs.join(" ")).not.toContain(server.token);
    expect(await child.exited()).toEqual({ code: 0, signal: null });
  });
});
