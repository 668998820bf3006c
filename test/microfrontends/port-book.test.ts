// Ports that are really free, agreed on by processes that know nothing of each other.

import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { Application } from "../../src/http/microfrontends/application.ts";
import { loadMicrofrontends } from "../../src/http/microfrontends/load.ts";
import type { Microfrontends } from "../../src/http/microfrontends/microfrontends.ts";
import { PortBook } from "../../src/http/microfrontends/port-book.ts";
import { startChild } from "../fixtures/child.ts";
import { deferred, rejection, until } from "../fixtures/wait.ts";

/** Listens until the test is over; the port in use, or undefined where another has it. */
async function occupy(port: number, host = "127.0.0.1"): Promise<number | undefined> {
  const server: Server = createServer();
  const tried = deferred<boolean>();
  server.once("error", () => tried.resolve(false));
  server.listen({ port, host, exclusive: true }, () => tried.resolve(true));
  if (!(await tried.promise)) return undefined;
  onTestFinished(async () => {
    const closed = deferred();
    server.close(() => closed.resolve());
    await closed.promise;
  });
  const address = server.address();
  return typeof address === "object" ? address?.port : undefined;
}

/** A file on disk, and a runtime directory, of this test's own. */
function fileWith(applications: unknown): string {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), "crosswire-ports-")));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  vi.stubEnv("CROSSWIRE_RUNTIME_DIR", join(directory, "runtime"));
  onTestFinished(() => void vi.unstubAllEnvs());
  const file = join(directory, "microfrontends.json");
  writeFileSync(file, JSON.stringify({ applications }, null, 2));
  return file;
}

function appOf(microfrontends: Microfrontends, name: string): Application {
  return microfrontends.appOfPackage(name)!;
}

function runtimeFiles(): string[] {
  return readdirSync(String(process.env["CROSSWIRE_RUNTIME_DIR"]));
}

let count = 0;

/** Names whose ports nobody has yet: other tests and programs use ports too. */
async function freeNames(): Promise<[string, number]> {
  for (;;) {
    const name = `port-book-${process.pid}-${count++}`;
    const file = fileWith({ [name]: {} });
    const { defaultApp } = loadMicrofrontends(file);
    if (
      (await new PortBook(loadMicrofrontends(file)).reserve(defaultApp)) === defaultApp.local.port
    )
      return [name, defaultApp.local.port];
  }
}

describe("a generated port", () => {
  test("is the one of the name while that is free, and nothing is written", async () => {
    const [name, port] = await freeNames();
    const microfrontends = loadMicrofrontends(fileWith({ [name]: {} }));
    const book = new PortBook(microfrontends);
    expect(await book.reserve(microfrontends.defaultApp)).toBe(port);
    expect(book.lookup(microfrontends.defaultApp)).toBe(port);
    expect(runtimeFiles).toThrow("ENOENT");
  });

  test.each(["127.0.0.1", "::1"])(
    "that something has on %s gives way to the next free one",
    async (host) => {
      const [name, port] = await freeNames();
      const microfrontends = loadMicrofrontends(fileWith({ [name]: {} }));
      expect(await occupy(port, host)).toBe(port);
      const book = new PortBook(microfrontends);
      const reserved = await book.reserve(microfrontends.defaultApp);
      expect(reserved).toBeGreaterThan(port);
      expect(await occupy(reserved)).toBe(reserved);
      expect(book.lookup(microfrontends.defaultApp)).toBe(reserved);
    },
  );

  test("is free again after it was tried", async () => {
    const [name, port] = await freeNames();
    const microfrontends = loadMicrofrontends(fileWith({ [name]: {} }));
    await new PortBook(microfrontends).reserve(microfrontends.defaultApp);
    expect(await occupy(port)).toBe(port);
    // The socket that tried it on ::1 is gone too.
    expect(await occupy(port, "::1")).toBe(port);
  });

  test("never gives way to the port of another application, whether that runs or not", async () => {
    const [name, port] = await freeNames();
    const others = { next: { development: { local: port + 1 }, routing: [] } };
    const microfrontends = loadMicrofrontends(fileWith({ [name]: {}, ...others }));
    await occupy(port);
    expect(await new PortBook(microfrontends).reserve(microfrontends.defaultApp)).toBeGreaterThan(
      port + 1,
    );
  });

  test("comes back to the one of the name when that is free again", async () => {
    const [name, port] = await freeNames();
    const file = fileWith({ [name]: {} });
    const microfrontends = loadMicrofrontends(file);
    const blocker = createServer().listen({ port, host: "127.0.0.1" });
    await until(blocker, "listening");
    const [book, proxy] = [new PortBook(microfrontends), new PortBook(microfrontends)];
    const moved = await book.reserve(microfrontends.defaultApp);
    expect(moved).not.toBe(port);
    expect(proxy.lookup(microfrontends.defaultApp)).toBe(moved);
    blocker.close();
    await until(blocker, "close");
    expect(await book.reserve(microfrontends.defaultApp)).toBe(port);
    await until(() => proxy.lookup(microfrontends.defaultApp) === port, "the port of the name");
  });
});

describe("another process", () => {
  test("reserves a port, and a proxy that runs already hears of it", async () => {
    const [name, port] = await freeNames();
    const file = fileWith({ [name]: {} });
    await occupy(port);
    const microfrontends = loadMicrofrontends(file);
    const book = new PortBook(microfrontends);
    expect(book.lookup(microfrontends.defaultApp)).toBe(port);
    const child = startChild("reserve-port.ts", { env: { FILE: file, APP: name } });
    const reserved = Number(await child.lines.next());
    expect(reserved).toBeGreaterThan(port);
    await until(() => book.lookup(microfrontends.defaultApp) === reserved, "the new port");
    expect(await child.exited()).toEqual({ code: 0, signal: null });
  });

  test("keeps what was reserved for other applications", async () => {
    const [first, firstPort] = await freeNames();
    const [second, secondPort] = await freeNames();
    const file = fileWith({ [first]: {}, [second]: { routing: [] } });
    await occupy(firstPort);
    await occupy(secondPort);
    const microfrontends = loadMicrofrontends(file);
    const book = new PortBook(microfrontends);
    const reserved = await book.reserve(microfrontends.defaultApp);
    const child = startChild("reserve-port.ts", { env: { FILE: file, APP: second } });
    const other = Number(await child.lines.next());
    const fresh = new PortBook(microfrontends);
    expect(other).not.toBe(reserved);
    expect(fresh.lookup(microfrontends.defaultApp)).toBe(reserved);
    expect(fresh.lookup(appOf(microfrontends, second))).toBe(other);
  });
});

describe("a port that the file names", () => {
  test("is reserved as it is, or refused with who has to move", async () => {
    const port = Number(await occupy(0));
    const file = fileWith({ web: { development: { local: port } } });
    const microfrontends = loadMicrofrontends(file);
    const book = new PortBook(microfrontends);
    expect(await rejection(book.reserve(microfrontends.defaultApp))).toMatchObject({
      code: "XW_CONFIG",
      message:
        `${file}:5:18: "web" is to listen on port ${port}, but something listens on 127.0.0.1:${port} already; ` +
        'end that, or give the application another port in "development.local"',
      detail: { app: "web", port },
    });
    expect(book.lookup(microfrontends.defaultApp)).toBe(port);
  });

  test("is reserved without a word when it is free", async () => {
    const [, port] = await freeNames();
    const microfrontends = loadMicrofrontends(fileWith({ web: { development: { local: port } } }));
    const book = new PortBook(microfrontends);
    expect(await book.reserve(microfrontends.defaultApp)).toBe(port);
    expect(runtimeFiles).toThrow("ENOENT");
  });
});

describe("the note of reserved ports", () => {
  interface World {
    readonly microfrontends: Microfrontends;
    readonly note: string;
    readonly port: number;
    readonly reserved: number;
  }

  /** One application whose port was taken, and the file that tells of the other one. */
  async function world(): Promise<World> {
    const [name, port] = await freeNames();
    const microfrontends = loadMicrofrontends(fileWith({ [name]: {}, other: { routing: [] } }));
    await occupy(port);
    const reserved = await new PortBook(microfrontends).reserve(microfrontends.defaultApp);
    const [note = ""] = runtimeFiles();
    return {
      microfrontends,
      note: join(String(process.env["CROSSWIRE_RUNTIME_DIR"]), note),
      port,
      reserved,
    };
  }

  function lookup({ microfrontends }: World): number {
    return new PortBook(microfrontends).lookup(microfrontends.defaultApp);
  }

  test("can be read by its user only, and is the only file there", async () => {
    const made = await world();
    expect(runtimeFiles()).toHaveLength(1);
    expect(statSync(made.note).mode & 0o777).toBe(0o600);
    expect(statSync(join(made.note, "..")).mode & 0o777).toBe(0o700);
    expect(lookup(made)).toBe(made.reserved);
  });

  test.each([
    ["is no JSON", "{"],
    ["is not an object", "7"],
    ["is null", "null"],
    ["has no ports", "{}"],
  ])("has no effect when it %s", async (_, text) => {
    const made = await world();
    writeFileSync(made.note, text);
    expect(lookup(made)).toBe(made.port);
  });

  test.each(["99999", '"22"', '"evil.example"', "-1", "1.5", "null"])(
    "cannot say %s, which is no port",
    async (port) => {
      const made = await world();
      writeFileSync(
        made.note,
        readFileSync(made.note, "utf8").replace(`:${made.reserved}`, `:${port}`),
      );
      expect(lookup(made)).toBe(made.port);
    },
  );

  test("cannot send an application to the port of another one", async () => {
    const made = await world();
    const other = appOf(made.microfrontends, "other").local.port;
    writeFileSync(
      made.note,
      readFileSync(made.note, "utf8").replace(`:${made.reserved}`, `:${other}`),
    );
    expect(lookup(made)).toBe(made.port);
  });

  test("is not believed in a directory that others can enter, nor written there", async () => {
    const made = await world();
    chmodSync(join(made.note, ".."), 0o755);
    expect(lookup(made)).toBe(made.port);
    const book = new PortBook(made.microfrontends);
    expect(await rejection(book.reserve(made.microfrontends.defaultApp))).toMatchObject({
      code: "XW_CONFIG",
      message: expect.stringContaining("cannot be told") as string,
    });
  });

  test("belongs to one configuration file", async () => {
    const made = await world();
    const text = readFileSync(made.note, "utf8");
    writeFileSync(made.note, text.replace("microfrontends.json", "another.json"));
    expect(lookup(made)).toBe(made.port);
  });
});
