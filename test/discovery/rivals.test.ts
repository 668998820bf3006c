// What else can have the port: each is named within 1.5 s when a process joins, told to members that meet it later, and
// forgotten when it is gone.

import { readFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer, type Server, type Socket } from "node:net";
import { join as joinPath } from "node:path";
import { createServer as createTlsServer } from "node:tls";
import { fileURLToPath } from "node:url";
import { type ErrorCode, IPCServer } from "crosswire";
import { joinDiscovery, type JoinOptions } from "crosswire/discovery";
import { expect, onTestFinished, test } from "vitest";
import { rejection, until } from "../fixtures/wait.ts";
import { freePort, isFree } from "./fixtures/member-port.ts";
import { RemoteMember } from "./fixtures/member-process.ts";
import {
  join,
  joinMany,
  NAME,
  openResources,
  standingsOf,
  timed,
} from "./fixtures/member-world.ts";

/** The figure that joinDiscovery() promises. */
const BOUND_MS = 1_500;
const USERS = { api: "users", baseUrl: "http://127.0.0.1:4001" };

interface Rival {
  readonly code: ErrorCode;
  readonly says: RegExp;
  /** Takes the port; resolves with what gives it free. */
  readonly take: (port: number) => Promise<() => Promise<void>>;
  /** Of the process that joins. */
  readonly options?: JoinOptions;
}

const RIVALS: Record<string, Rival> = {
  "an HTTP server": {
    code: "XW_FOREIGN",
    says: /is not a Crosswire server; it answered with HTTP 200\b.*another port/,
    take: (port) =>
      serve(
        createHttpServer((_request, response) => response.end("hello")),
        port,
      ),
  },
  "a WebSocket server of another program": {
    code: "XW_FOREIGN",
    says: /is not a Crosswire server; it answered with HTTP 426/,
    take: (port) =>
      serve(
        createHttpServer((_request, response) => response.writeHead(426).end("Upgrade Required")),
        port,
      ),
  },
  "a socket that says nothing": {
    code: "XW_FOREIGN",
    says: /said nothing in \d+ ms.*another port/,
    take: (port) => serve(createServer(), port),
  },
  "a TLS server": {
    code: "XW_FOREIGN",
    says: /another port/,
    take: (port) =>
      serve(createTlsServer({ key: pem("localhost.key"), cert: pem("localhost.crt") }), port),
  },
  "an echo server": {
    code: "XW_FOREIGN",
    says: /is not a Crosswire server/,
    take: (port) =>
      serve(
        createServer((socket) => void socket.pipe(socket)),
        port,
      ),
  },
  "a socket that closes at once": {
    code: "XW_FOREIGN",
    says: /hangs up or does not listen/,
    take: (port) =>
      serve(
        createServer((socket) => void socket.resume().end()),
        port,
      ),
  },
  "a socket that is reset at once": {
    code: "XW_FOREIGN",
    says: /hangs up or does not listen/,
    take: (port) =>
      serve(
        createServer((socket) => void socket.resetAndDestroy()),
        port,
      ),
  },
  "members of another name": {
    code: "XW_OTHER_NAME",
    says: new RegExp(`discovery "others" of process ${process.pid}, this one is "${NAME}"`),
    take: async (port) => {
      const other = await join(port, { name: "others" });
      return () => other.close();
    },
  },
  "another version of the protocol": {
    code: "XW_VERSION",
    says: /speaks version 99/,
    take: (port) =>
      serve(
        // As src/ipc/upgrade.ts answers a version that it does not speak.
        createServer((socket) => {
          const body = JSON.stringify({
            error: "this server speaks version 99 of the protocol",
            code: "XW_VERSION",
          });
          socket.once("data", () =>
            socket.end(
              "HTTP/1.1 426 Upgrade Required\r\nconnection: close\r\ncrosswire-protocol: 99\r\n" +
                `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
            ),
          );
        }),
        port,
      ),
  },
  "a Crosswire server without discovery": {
    code: "XW_FOREIGN",
    says: /is a Crosswire server, but not one of a discovery/,
    take: async (port) => {
      const server = new IPCServer(port);
      await server.start();
      return () => server.close();
    },
  },
  "a server with another token": {
    code: "XW_REFUSED",
    says: /refused the connection.*token/,
    take: async (port) => {
      const other = await join(port);
      return () => other.close();
    },
    options: { token: "not-the-one-of-the-leader-but-long-enough" },
  },
};

function pem(file: string): string {
  return readFileSync(
    joinPath(fileURLToPath(new URL("../fixtures/tls", import.meta.url)), file),
    "utf8",
  );
}

async function serve(
  server: Server,
  port: number,
  host = "127.0.0.1",
): Promise<() => Promise<void>> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  });
  server.on("tlsClientError", () => {});
  const end = async (): Promise<void> => {
    if (!server.listening) return;
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  onTestFinished(end);
  server.listen({ port, host });
  await until(server, "listening");
  return end;
}

/** What joining is rejected with, within the bound. */
async function refusal(port: number, options: JoinOptions = {}): Promise<unknown> {
  const { value: error, ms } = await timed(() =>
    rejection(joinDiscovery({ port, name: NAME, ...options })),
  );
  expect(ms).toBeLessThanOrEqual(BOUND_MS);
  return error;
}

// All at the same time: most of them take as long as they may.
test("whatever has the port is named when a process joins, and in nobody's way when it is gone", async () => {
  const rivals = await Promise.all(
    Object.entries(RIVALS).map(async ([name, rival]) => {
      const port = await freePort();
      return { name, port, ...rival, release: await rival.take(port) };
    }),
  );
  const before = openResources();
  const seen = await Promise.all(
    rivals.map(async ({ name, port, options }) => [name, await refusal(port, options)]),
  );
  const expected = rivals.map(({ name, code, says }) => [
    name,
    { code, message: expect.stringMatching(says) as string },
  ]);
  expect(Object.fromEntries(seen)).toMatchObject(Object.fromEntries(expected));
  await until(() => openResources().length <= before.length, "what was opened to be closed");
  for (const { port, release, options } of rivals) {
    await release();
    const member = await join(port, options);
    expect(member.isLeader).toBe(true);
    await member.close();
    expect(await isFree(port)).toBe(true);
  }
});

test.each(["0.0.0.0", "::"])(
  "what listens on %s is named too, and nobody leads beside it",
  async (host) => {
    const port = await freePort();
    const release = await serve(createHttpServer().on("request", endWell), port, host);
    expect(await refusal(port)).toMatchObject({ code: "XW_FOREIGN" });
    await release();
    expect(await join(port)).toMatchObject({ isLeader: true });
  },
);

test("what listens on [::1] alone is in nobody's way: members meet on 127.0.0.1 only", async () => {
  const port = await freePort();
  await serve(createHttpServer().on("request", endWell), port, "::1");
  const [leader, follower] = await joinMany(port, 2);
  expect([leader?.isLeader, follower?.isLeader]).toEqual([true, false]);
  expect(leader?.url).toBe(`http://127.0.0.1:${port}`);
  expect(await isFree(port, "0.0.0.0")).toBe(false);
});

function endWell(_request: unknown, response: { end(): unknown }): void {
  response.end();
}

test("a leader that is stopped is named with its pid, and leads on when it continues", async () => {
  const port = await freePort();
  const leader = await RemoteMember.start(port);
  leader.stop();
  const { pid } = leader;
  expect(await refusal(port)).toMatchObject({
    code: "XW_UNRESPONSIVE",
    message: expect.stringContaining(`process ${pid}, is stopped (SIGSTOP)`) as string,
    detail: { pid, state: "stopped" },
  });
  leader.continue();
  const { epoch } = await leader.standing();
  expect(await join(port)).toMatchObject({ isLeader: false, epoch });
});

// Unlike one that is stopped it may only be short of processor time, so it is given as long as any connection.
test("a leader whose event loop is blocked is named with its pid", async () => {
  const port = await freePort();
  const leader = await RemoteMember.start(port);
  await leader.do({ do: "block", ms: 60_000 });
  const limits = { discoveryHandshakeMs: 200, connectTimeoutMs: 300 };
  const { pid } = leader;
  expect(await refusal(port, { limits })).toMatchObject({
    code: "XW_UNRESPONSIVE",
    message: expect.stringContaining(`process ${pid}, does not answer`) as string,
    detail: { pid },
  });
});

test.each(["an HTTP server", "a socket that closes at once", "a TLS server"])(
  "a member whose leader is gone tells that %s took the port, and goes on when that is gone",
  async (name) => {
    const { take, code } = RIVALS[name]!;
    const port = await freePort();
    const leader = await join(port);
    const member = await join(port, { limits: { discoveryHandshakeMs: 100 } });
    const standings = standingsOf(member);
    await member.register([USERS]);
    // In the same turn: the member does not hear that the port is free before it is taken.
    const { epoch } = leader;
    const closed = leader.close();
    const release = await take(port);
    await closed;
    await until(() => standings.waiting.some(({ error }) => error?.code === code), code);
    expect(await rejection(member.discoverApi("users"))).toMatchObject({
      code,
      message: expect.stringMatching(/^discoverApi\(\) was not possible\. .*port/) as string,
    });
    expect(member).toMatchObject({ isLeader: false, epoch: 0, url: "" });
    await release();
    await until(() => member.isLeader, "the member to lead");
    expect(await member.discoverApi("users")).toMatchObject({ success: true, epoch: member.epoch });
    const last = standings.waiting.at(-1);
    expect(last).toEqual(member.standing);
    expect(last).not.toHaveProperty("error");
    expect(member.epoch).toBeGreaterThan(epoch);
  },
);

test("a member that is closed tells no more of what has the port", async () => {
  const port = await freePort();
  const leader = await join(port);
  const member = await join(port, { limits: { discoveryHandshakeMs: 200 } });
  const standings = standingsOf(member);
  const silent = createServer();
  const asked = until(silent, "connection");
  const closed = leader.close();
  await serve(silent, port);
  await closed;
  await asked;
  await member.close();
  expect(standings.waiting).toEqual([{ isLeader: false, epoch: 0, url: "" }]);
  expect(await rejection(member.list())).toMatchObject({ code: "XW_CLOSED" });
});
