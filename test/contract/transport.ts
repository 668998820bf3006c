// What every transport promises, as a suite to run over each of them. Which ones there are is told in test/transports.

import { describe, expect, test } from "vitest";
import type { CloseReason, IncomingFrame, Transport } from "../../src/channel/transport.ts";
import { byteLengthOf } from "../../src/wire/binary-frame.ts";
import { turn, until } from "../fixtures/wait.ts";

/** Both ends, not opened yet. What the test leaves open is closed by whoever made them. */
export type MakePair = () => Promise<readonly [Transport, Transport]>;

const MIB = 1024 * 1024;
const WAYS = [
  { way: "from the first end to the second", here: 0, there: 1 },
  { way: "from the second end to the first", here: 1, there: 0 },
] as const;

/** One end with a log of all that happened on it. */
interface End {
  readonly transport: Transport;
  readonly frames: IncomingFrame[];
  readonly closes: CloseReason[];
  readonly log: ("frame" | "drain" | "alive" | "close")[];
}

export function transportContract(name: string, makePair: MakePair): void {
  describe.each(WAYS)(`${name}, $way`, ({ here, there }) => {
    const makeEnds = async (): Promise<readonly [Transport, Transport]> => {
      const pair = await makePair();
      return [pair[here], pair[there]];
    };
    const openEnds = async (): Promise<readonly [End, End]> => {
      const [a, b] = await makeEnds();
      return [opened(a), opened(b)];
    };

    describeFrames(openEnds);
    describeOpening(makeEnds);
    describeClosing(openEnds);
    describePressure(openEnds);
  });
}

type OpenEnds = () => Promise<readonly [End, End]>;

function describeFrames(openEnds: OpenEnds): void {
  test("text arrives in the order in which it was sent", async () => {
    const [a, b] = await openEnds();
    const sent = Array.from({ length: 1_000 }, (_, n) => `m::path:${n}`);
    for (const text of sent) a.transport.send(text);
    await until(() => b.frames.length === sent.length, "all frames");
    expect(b.frames).toEqual(sent);
    expect(a.frames).toEqual([]);
  });

  test.each([
    ["nothing", ""],
    ["one character", "x"],
    ["text beyond ASCII", "ż 漢字 🦄 \u0000 \n"],
    ["125 bytes", "x".repeat(125)],
    ["126 bytes", "x".repeat(126)],
    ["65535 bytes", "x".repeat(65_535)],
    ["65536 bytes", "x".repeat(65_536)],
  ])("text of %s arrives unchanged", async (_what, text) => {
    const [a, b] = await openEnds();
    a.transport.send(text);
    await until(() => b.frames.length === 1, "the frame");
    expect(b.frames).toEqual([text]);
  });

  test("a binary frame arrives as its head, the byte 0xFF and its attachments", async () => {
    const [a, b] = await openEnds();
    const attachments = [new Uint8Array([1, 2]), new Uint8Array(0), new Uint8Array([255])];
    a.transport.send({ head: "m:;b=2,0,1:ż:", attachments });
    await until(() => b.frames.length === 1, "the frame");
    const [frame] = b.frames;
    expect(frame).toBeInstanceOf(Uint8Array);
    const head = Buffer.from("m:;b=2,0,1:ż:");
    expect([...(frame as Uint8Array)]).toEqual([...head, 255, 1, 2, 255]);
  });

  test("text and bytes keep their order among each other", async () => {
    const [a, b] = await openEnds();
    for (let n = 0; n < 200; n++) {
      if (n % 2 === 0) a.transport.send(String(n));
      else a.transport.send({ head: String(n), attachments: [new Uint8Array(n * 100)] });
    }
    await until(() => b.frames.length === 200, "all frames");
    const numbers = b.frames.map((frame) =>
      Number(typeof frame === "string" ? frame : headOf(frame)),
    );
    expect(numbers).toEqual(Array.from({ length: 200 }, (_, n) => n));
  });

  test("8 MB of text and of bytes arrive whole", async () => {
    const [a, b] = await openEnds();
    const text = "ab".repeat(4 * MIB);
    const bytes = new Uint8Array(8 * MIB).map((_, i) => i % 253);
    a.transport.send(text);
    a.transport.send({ head: "h", attachments: [bytes] });
    await until(() => b.frames.length === 2, "both frames");
    expect(b.frames[0] === text).toBe(true);
    expect(Buffer.compare((b.frames[1] as Uint8Array).subarray(2), bytes)).toBe(0);
  });

  test("bytes may be changed as soon as send() has returned", async () => {
    const [a, b] = await openEnds();
    const bytes = new Uint8Array([1, 2, 3]);
    a.transport.send({ head: "h", attachments: [bytes] });
    bytes.fill(9);
    await until(() => b.frames.length === 1, "the frame");
    expect([...(b.frames[0] as Uint8Array).subarray(2)]).toEqual([1, 2, 3]);
  });

  test("both ends may send at once, much and without waiting", async () => {
    const [a, b] = await openEnds();
    const chunk = { head: "h", attachments: [new Uint8Array(MIB / 4)] };
    for (let n = 0; n < 32; n++) {
      a.transport.send(chunk);
      b.transport.send(chunk);
    }
    await until(() => a.frames.length === 32 && b.frames.length === 32, "all frames");
    const sizes = [...a.frames, ...b.frames].map((frame) => frame.length);
    expect(new Set(sizes)).toEqual(new Set([byteLengthOf(chunk)]));
  });
}

function describeOpening(makeEnds: MakePair): void {
  test("what was sent before the other end opened is delivered when it does", async () => {
    const [first, second] = await makeEnds();
    const a = opened(first);
    a.transport.send("early");
    a.transport.send({ head: "h", attachments: [new Uint8Array([7])] });
    await someTurns();
    const b = opened(second);
    a.transport.send("late");
    await until(() => b.frames.length === 3, "all frames");
    expect(b.frames.map((frame) => (typeof frame === "string" ? frame : headOf(frame)))).toEqual([
      "early",
      "h",
      "late",
    ]);
  });

  test("a close before the other end opened is told after what was sent before it", async () => {
    const [first, second] = await makeEnds();
    const a = opened(first);
    a.transport.send("last words");
    a.transport.close(1000, "gone early");
    await someTurns();
    const b = opened(second);
    await until(() => b.closes.length === 1, "the close");
    expect(b.frames).toEqual(["last words"]);
    expect(b.closes).toMatchObject([{ code: 1000, reason: "gone early" }]);
  });

  test("a cut before the other end opened is told when it opens", async () => {
    const [first, second] = await makeEnds();
    const a = opened(first);
    a.transport.terminate();
    await until(() => a.closes.length === 1, "the cut");
    await someTurns();
    const b = opened(second);
    await until(() => b.closes.length === 1, "the close");
    expect(b.closes).toMatchObject([{ code: 1006 }]);
  });
}

function describeClosing(openEnds: OpenEnds): void {
  test("code and reason of a close reach both ends, once", async () => {
    const [a, b] = await openEnds();
    a.transport.close(4001, "taken over: ż");
    await until(() => a.closes.length > 0 && b.closes.length > 0, "both closes");
    const reason = expect.objectContaining({ code: 4001, reason: "taken over: ż" }) as unknown;
    expect(a.closes).toEqual([reason]);
    expect(b.closes).toEqual([reason]);
  });

  test("what was sent before a close arrives before it", async () => {
    const [a, b] = await openEnds();
    for (let n = 0; n < 100; n++) a.transport.send("x".repeat(20_000));
    a.transport.close(1000, "done");
    await until(() => b.closes.length === 1, "the close");
    expect(b.frames).toHaveLength(100);
    expect(b.closes).toMatchObject([{ code: 1000, reason: "done" }]);
  });

  test("nothing happens on an end after its close", async () => {
    const [a, b] = await openEnds();
    for (let n = 0; n < 50; n++) b.transport.send(`${n}`);
    a.transport.send("one");
    a.transport.close(1000, "");
    for (let n = 0; n < 50; n++) b.transport.send(`${n}`);
    await until(() => a.closes.length > 0 && b.closes.length > 0, "both closes");
    expect(a.log.indexOf("close")).toBe(a.log.length - 1);
    expect(b.log.indexOf("close")).toBe(b.log.length - 1);
  });

  test("sending and closing after the close does nothing and throws nothing", async () => {
    const [a, b] = await openEnds();
    a.transport.close(1000, "first");
    a.transport.send("into the void");
    a.transport.close(1001, "second");
    await until(() => a.closes.length > 0 && b.closes.length > 0, "both closes");
    for (const end of [a, b]) {
      end.transport.send("after");
      end.transport.send({ head: "after", attachments: [new Uint8Array(3)] });
      end.transport.close(1001, "after");
      end.transport.terminate();
      end.transport.ping?.();
    }
    expect(b.frames).toEqual([]);
    expect([a.closes.length, b.closes.length]).toEqual([1, 1]);
    expect(b.closes).toMatchObject([{ code: 1000, reason: "first" }]);
  });

  test("two closes that cross each other are one on each end", async () => {
    const [a, b] = await openEnds();
    a.transport.close(1000, "from a");
    b.transport.close(1000, "from b");
    await until(() => a.closes.length > 0 && b.closes.length > 0, "both closes");
    expect([a.closes.length, b.closes.length]).toEqual([1, 1]);
    expect([a.closes[0]?.code, b.closes[0]?.code]).toEqual([1000, 1000]);
  });

  test("terminate() tells its own end the reason given, and the other end that it was cut off", async () => {
    const [a, b] = await openEnds();
    a.transport.terminate({ code: 4003, reason: "no sign of life" });
    await until(() => a.closes.length > 0 && b.closes.length > 0, "both closes");
    expect(a.closes).toMatchObject([{ code: 4003, reason: "no sign of life" }]);
    expect(b.closes).toMatchObject([{ code: 1006, reason: "" }]);
    expect([a.closes.length, b.closes.length]).toEqual([1, 1]);
  });

  test("terminate() without a reason is a cut on both ends", async () => {
    const [a, b] = await openEnds();
    a.transport.terminate();
    a.transport.terminate();
    await until(() => a.closes.length > 0 && b.closes.length > 0, "both closes");
    expect(a.closes).toMatchObject([{ code: 1006 }]);
    expect(b.closes).toMatchObject([{ code: 1006 }]);
  });

  test("terminate() ends a close that is under way", async () => {
    const [a, b] = await openEnds();
    a.transport.close(1000, "slowly");
    a.transport.terminate();
    await until(() => a.closes.length > 0 && b.closes.length > 0, "both closes");
    expect([a.closes.length, b.closes.length]).toEqual([1, 1]);
  });
}

function describePressure(openEnds: OpenEnds): void {
  test("after much was sent, drain is called and nothing is buffered any more", async () => {
    const [a, b] = await openEnds();
    const chunk = { head: "h", attachments: [new Uint8Array(MIB / 4)] };
    for (let n = 0; n < 64; n++) a.transport.send(chunk);
    expect(a.transport.bufferedBytes).toBeGreaterThan(0);
    await until(() => b.frames.length === 64, "all frames");
    await until(() => a.log.includes("drain"), "drain");
    await until(() => a.transport.bufferedBytes === 0, "nothing to be buffered");
    expect(a.transport.bufferedBytes).toBe(0);
  });

  test("after little was sent, nothing is buffered any more", async () => {
    const [a, b] = await openEnds();
    for (let n = 0; n < 10; n++) a.transport.send(`m::p:${n}`);
    await until(() => b.frames.length === 10, "all frames");
    await until(() => a.transport.bufferedBytes === 0, "nothing to be buffered");
    expect(a.transport.bufferedBytes).toBe(0);
  });
}

/** Enough for what was sent to have come to the other end, where nobody listens yet. */
async function someTurns(): Promise<void> {
  for (let n = 0; n < 20; n++) await turn();
}

function opened(transport: Transport): End {
  const end: End = { transport, frames: [], closes: [], log: [] };
  transport.open({
    frame: (frame) => {
      end.log.push("frame");
      end.frames.push(frame);
    },
    alive: () => void end.log.push("alive"),
    drain: () => void end.log.push("drain"),
    close: (reason) => {
      end.log.push("close");
      end.closes.push(reason);
    },
  });
  return end;
}

function headOf(frame: Uint8Array): string {
  return Buffer.from(frame.subarray(0, frame.indexOf(0xff))).toString();
}
