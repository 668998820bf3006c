// Two copies of the package in one process, as test runners and linked packages make them, recognise each other.

import { expect, test } from "vitest";
import type * as Definitions from "../../src/wire/definition.ts";
import type * as Errors from "../../src/errors.ts";
import { CrosswireError, isCrosswireError } from "../../src/errors.ts";
import { IPCServer } from "../../src/ipc/server.ts";
import { define, definitionOf } from "../../src/wire/definition.ts";
import { openPair } from "../public/pair.ts";

/** Another query is another module: its classes and tables are its own. */
async function anotherCopy<Module>(path: string): Promise<Module> {
  return (await import(/* @vite-ignore */ `${path}?copy=2`)) as Module;
}

test("an error of either copy is an instance of both classes", async () => {
  const other = await anotherCopy<typeof Errors>("../../src/errors.ts");
  expect(other.CrosswireError).not.toBe(CrosswireError);
  const ours = new CrosswireError("XW_TIMEOUT");
  const theirs = new other.CrosswireError("XW_TIMEOUT");
  expect(ours).toBeInstanceOf(other.CrosswireError);
  expect(theirs).toBeInstanceOf(CrosswireError);
  expect(new Error("x")).not.toBeInstanceOf(other.CrosswireError);
});

test("isCrosswireError of either copy knows the errors and codes of both", async () => {
  const other = await anotherCopy<typeof Errors>("../../src/errors.ts");
  const ours = new CrosswireError("XW_TIMEOUT");
  const theirs = new other.CrosswireError("XW_CLOSED");
  expect(other.isCrosswireError(ours, "XW_TIMEOUT")).toBe(true);
  expect(isCrosswireError(theirs, "XW_CLOSED")).toBe(true);
  expect(isCrosswireError(theirs, "XW_TIMEOUT")).toBe(false);
});

test("an error of the other copy that a handler throws crosses like one of ours", async () => {
  const other = await anotherCopy<typeof Errors>("../../src/errors.ts");
  const { server, client } = await openPair();
  const request = IPCServer.defineRequest("copies/throw");
  server.onFrameworkMessage(request, () => {
    throw new other.CrosswireError("XW_LIMIT", "too much", { detail: { max: 1 } });
  });
  await expect(client.sendFrameworkRequest(request)).rejects.toMatchObject({
    code: "XW_REMOTE",
    detail: { name: "CrosswireError", code: "XW_LIMIT", data: { max: 1 } },
  });
});

test("a definition of one copy is known to the other", async () => {
  const other = await anotherCopy<typeof Definitions>("../../src/wire/definition.ts");
  expect(other.define).not.toBe(define);
  other.define("request", "copies/definition", { timeoutMs: 77, codec: "rich" });
  expect(definitionOf("request", "copies/definition")).toMatchObject({
    timeoutMs: 77,
    codec: "rich",
  });
});
