// Anything at all on the wire: a channel fed with it throws nothing, and a live server or client that
// gets it goes on serving everybody else. Every course of events comes from a seed.

import fc from "fast-check";
import { createMemoryPair, IPCClient, IPCServer, IPCSocket, type Transport } from "crosswire";
import { expect, onTestFinished, test } from "vitest";
import { helloFrame, openTarget } from "../fixtures/hostile-target.ts";
import { acceptUpgrade, openRawServer, serverFrame } from "../fixtures/raw-server.ts";
import { RawSocket } from "../fixtures/raw-socket.ts";
import { clientFrame, upgradeRequest } from "../fixtures/raw-websocket.ts";
import { SEED } from "../fixtures/seed.ts";
import { turn, until } from "../fixtures/wait.ts";

fc.configureGlobal({ seed: SEED });

const PATHS = ["fuzz/echo", "fuzz/items", "fuzz/note", "target/echo", "$hello", "__proto__", ""];
const TYPES = ["m", "r", "s", "x", "o", "n", "e", "u", "f", "w", "v", "y", "g", "p", "q", "z"];
const echo = IPCServer.defineRequest("fuzz/echo");
const items = IPCServer.defineStream("fuzz/items");
const note = IPCServer.defineMessage("fuzz/note");

const id = fc.oneof(
  fc.integer({ min: -1, max: 12 }).map(String),
  fc.constantFrom("", "abc", "1;t=5", "2;c=rich", "3;u", "4;m;b=1", "5;t=x;k=key", "6;;=;b=,"),
);
const data = fc.oneof(
  fc.json({ maxDepth: 4 }),
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.constantFrom("", "9999999", '{"success":true}', '{"success":false,"err":{"xw":"XW_CLOSED"}}'),
  fc.constantFrom('{"$":["date",0]}', '{"$":["bytes",0]}', '{"$":["error",{}]}', helloFrame()),
);
/** Frames that look like real ones, and some that do not. */
const text = fc.oneof(
  {
    weight: 9,
    arbitrary: fc
      .tuple(fc.constantFrom(...TYPES), id, fc.constantFrom(...PATHS), data)
      .map((parts) => parts.join(":")),
  },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 200 }) },
);
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc.tuple(text, fc.uint8Array({ maxLength: 40 })).map(([head, rest]) => {
    return Uint8Array.from([...Buffer.from(head), 0xff, ...rest]);
  }),
);
const frames = fc.array(fc.oneof(text, text, bytes), { minLength: 1, maxLength: 30 });

function answerAll(socket: IPCSocket): void {
  socket.onRequest(echo, (payload: unknown) => payload);
  socket.onMessage(note, () => {});
  socket.onStream(items, async function* (payload: unknown, { upload }) {
    yield payload;
    yield* upload;
  });
}

/** A socket that is in the middle of a call and a stream, and the other end of its line. */
async function openBusy(): Promise<{ socket: IPCSocket; line: Transport }> {
  const [near, line] = createMemoryPair();
  const socket = new IPCSocket(near, { expectsHello: true });
  answerAll(socket);
  line.open({ frame: () => {}, alive: () => {}, drain: () => {}, close: () => {} });
  line.send(helloFrame());
  await socket.ready();
  socket.request(echo, 1).catch(() => {});
  void drain(socket.openStream(items, 1, { upload: ["a", "b"] }));
  return { socket, line };
}

async function drain(stream: AsyncIterable<unknown>): Promise<void> {
  try {
    for await (const _ of stream);
  } catch {
    // How it ends is not what is tested here.
  }
}

test("a socket in the middle of a call and a stream throws nothing, whatever comes", async () => {
  let survived = 0;
  const property = fc.asyncProperty(frames, async (course) => {
    const { socket, line } = await openBusy();
    for (const frame of course) {
      line.send(typeof frame === "string" ? frame : binary(frame));
    }
    await turn();
    if (socket.isConnected()) survived++;
    await socket.close();
  });
  await fc.assert(property, { numRuns: 2_000 });
  // Neither has every course ended the conversation at its first frame, nor none.
  expect(survived).toBeGreaterThan(20);
  expect(survived).toBeLessThan(1_980);
});

test("a live server goes on serving, whatever its clients send", async () => {
  const target = await openTarget();
  target.server.onFrameworkMessage(echo, (payload) => payload);
  target.server.onMessage(note, () => {});
  target.server.onStream(items, function* (payload) {
    yield payload;
  });
  const port = target.server.getPort();
  const property = fc.asyncProperty(frames, fc.boolean(), async (course, saysHello) => {
    const raw = await RawSocket.connect(port);
    const headers = saysHello ? { "Crosswire-Protocol": "1" } : {};
    raw.write(upgradeRequest(target.server, { headers }));
    if (saysHello) raw.write(clientFrame(helloFrame()));
    for (const frame of course) {
      raw.write(clientFrame(frame, { opcode: typeof frame === "string" ? 1 : 2 }));
    }
    raw.socket.end();
    await raw.closed();
    raw.socket.destroy();
  });
  await fc.assert(property, { numRuns: 400 });
  await target.serves();
  await until(() => target.server.clients().length === 1, "the server to forget them");
});

test("a live server goes on serving, whatever bytes come to its port", async () => {
  const target = await openTarget();
  const request = upgradeRequest(target.server);
  const cutAt = fc.nat({ max: request.length });
  const property = fc.asyncProperty(
    cutAt,
    fc.uint8Array({ maxLength: 300 }),
    cutAt,
    async (end, noise, start) => {
      const raw = await RawSocket.connect(target.server.getPort());
      raw.write(request.slice(0, end));
      raw.write(noise);
      raw.write(request.slice(start));
      raw.socket.end();
      await raw.closed();
      raw.socket.destroy();
    },
  );
  await fc.assert(property, { numRuns: 400 });
  await target.serves();
});

test("a live client ends by name or goes on, whatever its server sends", async () => {
  let course: readonly (string | Uint8Array)[] = [];
  const { port } = await openRawServer((socket, head) => {
    acceptUpgrade(socket, head, "Crosswire-Protocol: 1\r\n");
    socket.write(serverFrame(helloFrame()));
    for (const frame of course) socket.write(serverFrame(frame));
  });
  const property = fc.asyncProperty(frames, async (next) => {
    course = next;
    const client = new IPCClient(port, { token: "t".repeat(32), limits: { closeGraceMs: 2 } });
    client.onFrameworkRequest(IPCClient.defineRequest("fuzz/ask"), () => true);
    await client.connect().catch(() => {});
    const call = client.sendFrameworkRequest(echo, 1, { timeoutMs: 5 }).catch(() => {});
    await call;
    await client.disconnect();
    expect(client.isConnected()).toBe(false);
  });
  onTestFinished(() => turn());
  await fc.assert(property, { numRuns: 150 });
});

/** The memory line takes binary frames in their parts; here the bytes are wrong on purpose. */
function binary(whole: Uint8Array): { head: string; attachments: Uint8Array[] } {
  const separator = whole.indexOf(0xff);
  const head = whole.subarray(0, Math.max(0, separator));
  return {
    head: Buffer.from(head).toString("latin1"),
    attachments: [whole.subarray(separator + 1)],
  };
}
