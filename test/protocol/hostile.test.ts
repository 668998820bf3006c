// Messages that no good peer sends, over real sockets: each ends in a named error or a closed
// connection, runs no handler that it must not run, and leaves everybody else served.

import { type CrosswireError, IPCClient, IPCServer } from "crosswire";
import { describe, expect, test } from "vitest";
import { helloFrame, openTarget } from "../fixtures/hostile-target.ts";
import { deferred, rejection, until } from "../fixtures/wait.ts";
import { createClient } from "../public/pair.ts";

const count = IPCServer.defineRequest<unknown, number>("hostile/count");
const note = IPCServer.defineMessage("hostile/note");
const ask = IPCClient.defineRequest<void, string>("hostile/ask");

const deep = "[".repeat(1e5) + "]".repeat(1e5);

interface Answer {
  readonly success: boolean;
  readonly data?: unknown;
  readonly err?: { readonly xw?: string; readonly message: string };
}

function answerIn(text: string): Answer {
  return JSON.parse(text.slice(text.indexOf("{"))) as Answer;
}

describe("a frame that breaks the grammar closes the connection with 1002", () => {
  test.each([
    { what: "an unknown type", frame: "z:1:hostile/count:1" },
    { what: "a type in upper case", frame: "R:1:hostile/count:1" },
    { what: "nothing", frame: "" },
    { what: "a foreign protocol", frame: '{"jsonrpc":"2.0","id":1,"method":"x"}' },
    { what: "two colons", frame: "r:1:hostile/count" },
    { what: "an endless id", frame: `r:${"9".repeat(65)}:hostile/count:1` },
    { what: "an endless path", frame: `r:1:${"p".repeat(257)}:1` },
    { what: "control characters for a type", frame: "\u0000:1:hostile/count:1" },
    { what: "a line break that splits its JSON", frame: 'r:1:hostile/count:{\n"a":1}' },
    { what: "a binary frame without 0xFF", frame: Uint8Array.of(1, 2, 3) },
    { what: "a binary frame of nothing", frame: new Uint8Array() },
    { what: "a binary frame of wrong lengths", frame: Buffer.from("r:1;b=9:p:\xff1", "latin1") },
  ])("$what", async ({ frame }) => {
    const target = await openTarget();
    let runs = 0;
    target.server.onFrameworkMessage(count, () => runs++);
    const raw = await target.attacker();
    raw.send(frame, { opcode: typeof frame === "string" ? 1 : 2 });
    expect(await raw.closed()).toBe(1002);
    expect(runs).toBeLessThan(2);
    await target.serves();
  });
});

test("a type that was not negotiated closes the connection of a base peer with 1002", async () => {
  const target = await openTarget();
  const raw = await target.baseAttacker();
  raw.send("o:1:hostile/stream:");
  expect(await raw.closed()).toBe(1002);
  await target.serves();
});

describe("a request that cannot be read is answered by name and reaches no handler", () => {
  test.each([
    { what: "truncated JSON", frame: 'r:1:hostile/count:{"a":', code: "XW_FRAME" },
    { what: "a path with a colon", frame: 'r:1:hostile/count:b:{"x":1}', code: "XW_FRAME" },
    { what: "JSON too deep", frame: `r:1:hostile/count:${deep}`, code: "XW_LIMIT" },
    { what: "a truncated rich tree", frame: 'r:1;c=rich:hostile/count:{"$":[', code: "XW_FRAME" },
    {
      what: "an unknown rich tag",
      frame: 'r:1;c=rich:hostile/count:{"$":["x"]}',
      code: "XW_FRAME",
    },
    { what: "no path", frame: "r:1::1", code: "XW_NO_HANDLER" },
    {
      what: "control characters in its path",
      frame: "r:1:a\u001b[2J\u0000:1",
      code: "XW_NO_HANDLER",
    },
    { what: "the path __proto__", frame: "r:1:__proto__:1", code: "XW_NO_HANDLER" },
    { what: "the path constructor", frame: "r:1:constructor:1", code: "XW_NO_HANDLER" },
    { what: "the path toString", frame: "r:1:toString:1", code: "XW_NO_HANDLER" },
    { what: "the path hasOwnProperty", frame: "r:1:hasOwnProperty:1", code: "XW_NO_HANDLER" },
    { what: "the reserved path of the hello", frame: "r:1:$hello:1", code: "XW_NO_HANDLER" },
  ])("$what", async ({ frame, code }) => {
    const target = await openTarget();
    let runs = 0;
    target.server.onFrameworkMessage(count, () => runs++);
    const raw = await target.attacker();
    raw.send(frame);
    const text = await raw.texts.next();
    expect(answerIn(text)).toMatchObject({ success: false, err: { xw: code } });
    expect(text).not.toMatch(/\p{Cc}/u);
    expect(runs).toBe(0);
    expect(target.ends()).toEqual([]);
    await target.serves();
  });
});

test.each(["__proto__", "constructor", "toString"])(
  "a stream opened on the path %j ends with XW_NO_HANDLER",
  async (path) => {
    const target = await openTarget();
    const raw = await target.attacker();
    raw.send(`o:1:${path}:`);
    const text = await raw.texts.next();
    expect(text).toMatch(/^e:1::/);
    expect(answerIn(text)).toMatchObject({ err: { xw: "XW_NO_HANDLER" } });
  },
);

test.each([
  { what: "truncated JSON", frame: 'm::hostile/note:{"a"' },
  { what: "JSON too deep", frame: `m::hostile/note:${deep}` },
  { what: "the path __proto__", frame: "m::__proto__:1" },
  { what: "a path that nobody listens to", frame: "m::hostile/nobody:1" },
])("a message with $what is dropped, and the drop is traced", async ({ frame }) => {
  const target = await openTarget();
  const heard: unknown[] = [];
  target.server.onMessage(note, (payload) => void heard.push(payload));
  const raw = await target.attacker();
  raw.send(frame);
  raw.send('m::hostile/note:"good"');
  await until(() => heard.length > 0, "the good message");
  expect(heard).toEqual(["good"]);
  expect(target.dropped()).toHaveLength(1);
});

describe("an id that a Crosswire peer cannot have given", () => {
  test.each(["", "abc", "-1", "1.5", "1e3", "0x1", "__proto__", " 1", "9".repeat(16)])(
    "%j runs no handler, and the drop is traced",
    async (id) => {
      const target = await openTarget();
      let runs = 0;
      target.server.onFrameworkMessage(count, () => ++runs);
      const raw = await target.attacker();
      raw.send(`r:${id}:hostile/count:1`);
      raw.send("r:1:hostile/count:1");
      expect(await raw.texts.next()).toBe('s:1::{"success":true,"data":1}');
      expect(target.dropped()).toHaveLength(1);
    },
  );
});

describe("a request id that was used before runs its handler no second time", () => {
  test.each([
    { what: "while the first runs", gap: false, second: "r:5:hostile/count:1" },
    { what: "after the first was answered", gap: true, second: "r:5:hostile/count:1" },
    { what: "with a lower id than the last", gap: true, second: "r:4:hostile/count:1" },
    { what: "in another spelling", gap: true, second: "r:05:hostile/count:1" },
    { what: "for another path", gap: true, second: "r:5:hostile/other:1" },
    { what: "as a stream", gap: true, second: "o:5:hostile/stream:1" },
  ])("$what", async ({ gap, second }) => {
    const target = await openTarget();
    const release = deferred();
    let runs = 0;
    const run = async (): Promise<number> => {
      runs++;
      if (!gap) await release.promise;
      return runs;
    };
    target.server.onFrameworkMessage(count, run);
    target.server.onFrameworkMessage(
      IPCServer.defineRequest<unknown, number>("hostile/other"),
      run,
    );
    const raw = await target.attacker();
    raw.send("r:5:hostile/count:1");
    if (gap) await raw.texts.next();
    raw.send(second);
    await until(() => target.dropped().length > 0, "the drop");
    release.resolve();
    if (!gap) expect(await raw.texts.next()).toBe('s:5::{"success":true,"data":1}');
    expect(runs).toBe(1);
  });

  test("when it came before the hello", async () => {
    const target = await openTarget();
    let runs = 0;
    target.server.onFrameworkMessage(count, () => ++runs);
    const raw = await target.silentAttacker();
    raw.send("r:5:hostile/count:1");
    raw.send(helloFrame());
    raw.send("r:5:hostile/count:1");
    raw.send("r:6:target/echo:6");
    const isOver = (): boolean => raw.texts.waiting.some((text) => text.includes("s:6:"));
    await until(() => isOver() || raw.closeFrame !== undefined, "the last answer or a close");
    expect(runs).toBeLessThan(2);
  });
});

describe("an answer that was not asked for", () => {
  test("is dropped, and the drop is traced", async () => {
    const target = await openTarget();
    const raw = await target.attacker();
    raw.send('s:1::{"success":true,"data":"spoofed"}');
    raw.send("r:1:target/echo:1");
    await raw.texts.next();
    expect(target.dropped()).toEqual(["no call waits for this answer"]);
    await target.serves();
  });

  test("settles no call when it comes from another connection", async () => {
    const target = await openTarget();
    const victim = await target.baseAttacker();
    const answer = target.server.sendFrameworkMessage("attacker", ask);
    expect(await victim.texts.next()).toBe("r:1:hostile/ask:");
    const spoofer = await target.bystander();
    spoofer.send('s:1::{"success":true,"data":"spoofed"}');
    await until(() => target.dropped().length > 0, "the drop");
    victim.send('s:1::{"success":true,"data":"true"}');
    expect(await answer).toBe("true");
  });

  test("changes nothing when it comes a second time", async () => {
    const target = await openTarget();
    const raw = await target.attacker();
    const answer = target.server.sendFrameworkMessage("attacker", ask);
    await raw.texts.next();
    raw.send('s:1::{"success":true,"data":"first"}');
    raw.send('s:1::{"success":true,"data":"second"}');
    raw.send('s:1::{"success":false,"error":"third"}');
    expect(await answer).toBe("first");
    await until(() => target.dropped().length === 2, "two drops");
  });

  test.each(["", "01", "1.0", "1e0", "0x1", " 1", "1 ", "+1", "0b1"])(
    "settles no call under the spelling %j of its id",
    async (id) => {
      const target = await openTarget();
      const raw = await target.attacker();
      const answer = target.server.sendFrameworkMessage("attacker", ask);
      await raw.texts.next();
      raw.send(`s:${id}::{"success":true,"data":"spoofed"}`);
      raw.send('s:1::{"success":true,"data":"true"}');
      expect(await answer).toBe("true");
    },
  );

  test.each([
    { what: "truncated", data: '{"success":tr', code: "XW_FRAME" },
    { what: "no object", data: "[]", code: "XW_FRAME" },
    { what: "empty", data: "", code: "XW_FRAME" },
    { what: "too deep", data: `{"success":true,"data":${deep}}`, code: "XW_LIMIT" },
    {
      what: "of a code that we do not know",
      data: '{"success":false,"err":{"xw":"toString"}}',
      code: "XW_REMOTE",
    },
    { what: "without a reason", data: '{"success":false,"error":{"a":1}}', code: "XW_REMOTE" },
  ])("rejects its call with $code when it is $what", async ({ data, code }) => {
    const target = await openTarget();
    const raw = await target.attacker();
    const failed = rejection(target.server.sendFrameworkMessage("attacker", ask));
    await raw.texts.next();
    raw.send(`s:1::${data}`);
    expect((await failed) as CrosswireError).toMatchObject({ code, path: "hostile/ask" });
    await target.serves();
  });
});

describe("a runtimeId that is also a property of every object", () => {
  test.each(["__proto__", "constructor", "toString", "valueOf"])(
    "%j names nobody until somebody has it",
    async (runtimeId) => {
      const { server } = await openTarget();
      const error = await rejection(server.sendFrameworkMessage(runtimeId, ask));
      expect(error).toMatchObject({ code: "XW_NO_PEER", peer: runtimeId });
      const connected = new Promise((resolve) => server.onClientConnect(resolve));
      const client = createClient(server);
      client.onFrameworkRequest(ask, () => runtimeId);
      await client.connect(runtimeId);
      await connected;
      expect(await server.sendFrameworkMessage(runtimeId, ask)).toBe(runtimeId);
    },
  );
});
