// The types of what a runner asks: each side's definitions fit where that side answers, and nowhere else.

import { IPCClient, IPCServer } from "crosswire";
import type { RunningWorker, ThisWorker } from "crosswire/testkit";
import { expectTypeOf, test } from "vitest";

const countWords = IPCClient.defineRequest<string, number>("types/count-words");
const stop = IPCClient.defineRequest<void, void>("types/stop");
const report = IPCServer.defineRequest<string, void>("types/report");
const ticks = IPCClient.defineStream<{ everyMs: number }, Date>("types/ticks");
const wake = IPCClient.defineMessage<{ at: number }>("types/wake");

interface Flags {
  readonly darkMode: boolean;
}

test("a running worker takes payloads and gives answers of the definition's types", () => {
  const use = async (users: RunningWorker): Promise<void> => {
    expectTypeOf(await users.request(countWords, "a b", 1_000)).toEqualTypeOf<number>();
    await users.request(stop);
    // @ts-expect-error -- the payload is a string
    await users.request(countWords, 5);
    // @ts-expect-error -- the payload is missing
    await users.request(countWords);
    // @ts-expect-error -- this request is answered by the runner
    await users.request(report, "done");
    for await (const tick of users.openStream(ticks, { everyMs: 5 }))
      expectTypeOf(tick).toEqualTypeOf<Date>();
    users.send(wake, { at: 5 });
    // @ts-expect-error -- the payload is missing
    users.send(wake);

    await users.config<Flags>("flags").set("darkMode", true);
    // @ts-expect-error -- the value is a boolean
    await users.config<Flags>("flags").set("darkMode", "yes");
    // @ts-expect-error -- there is no such key
    await users.config<Flags>("flags").reset("darkmode");
    await users.config("flags").set("anything", 5);
  };
  expectTypeOf(use).toBeFunction();
});

test("a worker's handlers get and give the definition's types", () => {
  const use = (worker: ThisWorker): void => {
    worker.onRequest(countWords, (text) => text.length);
    // @ts-expect-error -- the answer is a number
    worker.onRequest(countWords, (text) => text);
    worker.onMessage(wake, ({ at }) => expectTypeOf(at).toEqualTypeOf<number>());
    const flags = worker.config("flags", { darkMode: false });
    expectTypeOf(flags.get("darkMode")).toEqualTypeOf<boolean>();
    flags.onChange("darkMode", (isOn) => expectTypeOf(isOn).toEqualTypeOf<boolean>());
    // @ts-expect-error -- there is no such key
    flags.get("darkmode");
  };
  expectTypeOf(use).toBeFunction();
});
