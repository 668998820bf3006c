// Every request settles exactly once, for the reason that holds, and runs at most once: whatever order
// sending, answering, repeating, forging, giving up, waiting, cutting and closing come in.

import fc from "fast-check";
import { expect, test } from "vitest";
import { SEED } from "../fixtures/seed.ts";
import { SettlingWorld } from "../fixtures/settling-world.ts";

const RUNS = 1_500;
const MAX_COMMANDS = 60;

type Command = fc.AsyncCommand<object, SettlingWorld>;

/** One thing that happens; its text is what a failing run prints. */
function command(text: string, run: (world: SettlingWorld) => unknown): Command {
  return {
    check: () => true,
    run: async (_, world) => {
      run(world);
      await world.settle();
    },
    toString: () => text,
  };
}

const which = fc.nat({ max: 50 });
const where = fc.constantFrom("near" as const, "far" as const);
const timeoutMs = fc.constantFrom(1, 50, 1_000, Infinity);
/** Small requests wait for the end of the turn and share a frame, large ones leave at once. */
const size = fc.constantFrom(0, 10_000);

const send = fc
  .record({ timeoutMs, size })
  .map((options) => command(`send(${JSON.stringify(options)})`, (world) => world.send(options)));
const deliver = fc.tuple(where, fc.integer({ min: 1, max: 4 })).map(([end, frames]) =>
  command(`deliver(${end}, ${frames})`, ({ pair }) => {
    const line = end === "near" ? pair.nearLine : pair.farLine;
    for (let i = 0; i < frames; i++) line.deliver();
  }),
);
const answer = fc
  .tuple(which, fc.boolean())
  .map(([call, ok]) => command(`answer(${call}, ${ok})`, (world) => world.answer(call, ok)));
const abort = which.map((call) => command(`abort(${call})`, (world) => world.abort(call)));
const advance = fc
  .constantFrom(1, 9, 60, 2_000)
  .map((ms) => command(`advance(${ms})`, ({ pair }) => pair.clock.advance(ms)));
const repeat = fc
  .tuple(which, where)
  .map(([frame, end]) => command(`repeat(${frame}, ${end})`, (world) => world.repeat(frame, end)));
const contradict = which.map((id) => command(`contradict(${id})`, (world) => world.contradict(id)));
const spoof = fc
  .constantFrom("", "0", "999", "-1", "NaN", "__proto__", "9007199254740993")
  .map((id) => command(`spoof(${id})`, (world) => world.spoof(id)));
const cut = fc.constant(command("cut()", (world) => world.cut()));
const close = fc
  .tuple(where, fc.constantFrom(0, 100))
  .map(([end, graceMs]) =>
    command(`close(${end}, ${graceMs})`, (world) => world.close(end, graceMs)),
  );

/** Listed as often as they are wanted: fast-check draws each entry with the same chance. */
const happenings: fc.Arbitrary<Command>[] = [
  ...[send, send, send, send],
  ...[deliver, deliver, deliver, deliver, deliver, deliver],
  ...[answer, answer, answer, answer],
  ...[advance, abort, repeat, contradict, spoof],
];

/** Runs courses made of `events`; returns how many calls ended in which way. */
async function play(events: fc.Arbitrary<Command>[]): Promise<Record<string, number>> {
  const ends: Record<string, number> = {};
  const commands = fc.commands(events, { maxCommands: MAX_COMMANDS, size: "max" });
  const property = fc.asyncProperty(commands, async (course) => {
    const world = await SettlingWorld.open();
    await fc.asyncModelRun(() => ({ model: {}, real: world }), course);
    await world.finish();
    for (const kind of world.kinds()) ends[kind] = (ends[kind] ?? 0) + 1;
  });
  await fc.assert(property, { numRuns: RUNS, seed: SEED });
  return ends;
}

/** Proof that the runs got far enough to mean something. */
function often(...kinds: string[]): Record<string, unknown> {
  const many = expect.toSatisfy((count: number) => count > 100, "over 100") as unknown;
  return Object.fromEntries(kinds.map((kind) => [kind, many]));
}

test("every request settles exactly once on a line that holds", async () => {
  expect(await play(happenings)).toEqual(often("result", "XW_REMOTE", "XW_TIMEOUT", "aborted"));
});

test("every request settles exactly once on a line that is cut or closed at any moment", async () => {
  expect(await play([...happenings, cut, close])).toEqual(
    often("result", "XW_REMOTE", "XW_TIMEOUT", "aborted", "XW_CONNECTION_LOST", "XW_CLOSED"),
  );
});
