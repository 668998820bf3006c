// Configuration with defaults, overridden and reset: in one process, by a runner, and by hand.

import { IPCClient, IPCServer } from "crosswire";
import { ConfigIPC, ConfigStore, TestableIPC } from "crosswire/testkit";
import { expect, expectTypeOf, onTestFinished, test } from "vitest";
import { ConfigStores } from "../../src/testkit/config-store.ts";
import { rejection } from "../fixtures/wait.ts";
import { type Flags, readFlags } from "./commands.ts";
import { openRunner, WORKER } from "./world.ts";

test("a value is the default, the override while there is one, and the default again", async () => {
  const flags = new ConfigStore("flags", { darkMode: false, colour: "red" });
  expectTypeOf(flags.get("darkMode")).toEqualTypeOf<boolean>();
  expect(flags.get("darkMode")).toBe(false);
  await flags.set("darkMode", true);
  await flags.set("colour", "blue");
  expect([flags.get("darkMode"), flags.get("colour")]).toEqual([true, "blue"]);
  await flags.reset("darkMode");
  expect([flags.get("darkMode"), flags.get("colour")]).toEqual([false, "blue"]);
  await flags.set("darkMode", true);
  await flags.reset();
  expect([flags.get("darkMode"), flags.get("colour")]).toEqual([false, "red"]);
});

test("listeners hear each change of their key, and nothing that changes nothing", async () => {
  const flags = new ConfigStore("flags", { darkMode: false, colour: "red" });
  const heard: boolean[] = [];
  const undo = flags.onChange("darkMode", (value) => heard.push(value));
  await flags.set("darkMode", false);
  await flags.set("colour", "blue");
  expect(heard).toEqual([]);
  await flags.set("darkMode", true);
  await flags.reset();
  expect(heard).toEqual([true, false]);
  undo();
  await flags.set("darkMode", true);
  expect(heard).toEqual([true, false]);
});

test("who changes a value waits for the listeners, and hears what one of them throws", async () => {
  const flags = new ConfigStore("flags", { colour: "red" });
  const heard: string[] = [];
  flags.onChange("colour", () => {
    throw new Error("no such colour");
  });
  flags.onChange("colour", async (value) => {
    await new Promise((resolve) => setImmediate(resolve));
    heard.push(value);
  });
  expect(await rejection(flags.set("colour", "invisible"))).toEqual(new Error("no such colour"));
  expect(flags.get("colour")).toBe("invisible");
  await expect.poll(() => heard).toEqual(["invisible"]);
});

test("an unknown store or key is refused with the names of those that exist", async () => {
  const stores = new ConfigStores();
  const update = { storeName: "flags", keyName: "darkMode", value: true };
  expect(((await rejection(stores.update(update))) as Error).message).toMatch(
    /"flags"; there is none/,
  );
  const flags = stores.add("flags", { darkMode: false, colour: "red" });
  expect(() => stores.add("flags", {})).toThrow(/already/);
  expect(() => flags.get("constructor" as never)).toThrow(/known: "darkMode", "colour"/);
  expect(() => flags.onChange("dark" as never, () => {})).toThrow(/no key "dark"/);
  expect(await rejection(flags.set("dark" as never, true as never))).toBeInstanceOf(TypeError);
  expect(await rejection(flags.reset("dark" as never))).toBeInstanceOf(TypeError);
  expect(((await rejection(stores.reset({ storeName: "flag" }))) as Error).message).toMatch(
    /no config store "flag"; known: "flags"/,
  );
});

test("a runner overrides and resets the configuration of its worker", async () => {
  const runner = await openRunner();
  const worker = await runner.start({ runtimeId: "users", script: WORKER });
  const flags = worker.config<Flags>("flags");
  await flags.set("darkMode", true);
  await flags.set("colour", "blue");
  expect(await worker.request(readFlags)).toEqual({
    darkMode: true,
    colour: "blue",
    changes: [true],
  });
  await flags.reset("darkMode");
  expect(await worker.request(readFlags)).toMatchObject({ darkMode: false, colour: "blue" });
  await flags.reset();
  expect(await worker.request(readFlags)).toEqual({
    darkMode: false,
    colour: "red",
    changes: [true, false],
  });
  const error = await rejection(worker.config("flag").set("darkMode", true));
  expect(error).toMatchObject({ code: "XW_REMOTE", peer: 'client "users"' });
  expect((error as Error).message).toContain('no config store "flag"; known: "flags"');
});

// As section 2 of the original document writes it.
test("the definitions serve a plain server and a plain client too", async () => {
  const runtime = { keys: [] as readonly string[] };
  const ipcServer = new IPCServer(0);
  onTestFinished(() => ipcServer.close({ graceMs: 0 }));
  await ipcServer.start();
  ipcServer.onFrameworkMessage(TestableIPC.server.registerKeys, async (payload) => {
    runtime.keys = payload.keys;
  });

  const config = { testRouterPort: ipcServer.getPort(), runtimeId: "runtime-1" };
  const store = new ConfigStore("myStore", { myKey: "old" });
  const client = new IPCClient(config.testRouterPort);
  onTestFinished(() => client.disconnect());
  await client.connect(config.runtimeId);
  client.onFrameworkRequest(ConfigIPC.worker.update, async (payload) => {
    await store.set(payload.keyName as "myKey", payload.value as string);
  });
  client.onFrameworkRequest(ConfigIPC.worker.reset, async ({ keyName }) => {
    await store.reset(keyName as "myKey");
  });
  await client.sendFrameworkRequest(TestableIPC.server.registerKeys, {
    runtimeId: config.runtimeId,
    keys: ["db", "http"],
  });
  expect(runtime.keys).toEqual(["db", "http"]);

  await ipcServer.sendFrameworkMessage(config.runtimeId, ConfigIPC.worker.update, {
    storeName: "myStore",
    keyName: "myKey",
    value: "new",
  });
  expect(store.get("myKey")).toBe("new");
  await ipcServer.sendFrameworkMessage(config.runtimeId, ConfigIPC.worker.reset, {
    storeName: "myStore",
    keyName: "myKey",
  });
  expect(store.get("myKey")).toBe("old");
});
