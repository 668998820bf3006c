// What the compiler infers and refuses about the definitions of a discovery. Read by tsc, never run.

import type { IPCClient, IPCServer, IPCServerRequest } from "crosswire";
import {
  DiscoveryIPC,
  type DiscoverApiResult,
  type ServiceEntry,
  type WatchItem,
} from "crosswire/discovery";
import { expectTypeOf, test } from "vitest";

declare const server: IPCServer;
declare const client: IPCClient;

const { discoveryServer } = DiscoveryIPC;

test("the two requests of the original document keep their types", () => {
  expectTypeOf(discoveryServer.register).toEqualTypeOf<IPCServerRequest<ServiceEntry[], void>>();
  expectTypeOf(discoveryServer.discoverApi).toEqualTypeOf<
    IPCServerRequest<string, DiscoverApiResult>
  >();
  const result = client.sendFrameworkRequest(discoveryServer.discoverApi, "my-api");
  expectTypeOf(result).toEqualTypeOf<Promise<DiscoverApiResult>>();
});

test("a result has to be looked at before its url is used", async () => {
  const result = await client.sendFrameworkRequest(discoveryServer.discoverApi, "my-api");
  // @ts-expect-error It may not have been found.
  void result.url;
  if (result.success) expectTypeOf(result.url).toEqualTypeOf<string>();
  else expectTypeOf(result.retryable).toEqualTypeOf<boolean>();
});

test("what is no service is refused, and so is an answer that is none", () => {
  // @ts-expect-error Without a baseUrl nobody can be sent there.
  void client.sendFrameworkRequest(discoveryServer.register, [{ api: "my-api" }]);
  // @ts-expect-error The name of an api is a text.
  void client.sendFrameworkRequest(discoveryServer.discoverApi, 7);
  // @ts-expect-error It has to tell whether asking again may help.
  server.onFrameworkMessage(discoveryServer.discoverApi, () => ({ success: false, error: "no" }));
});

test("a watch tells everything or what changed, never both", () => {
  const item = {} as WatchItem;
  if ("services" in item) expectTypeOf(item).not.toHaveProperty("changes");
  else expectTypeOf(item.changes[0]?.type).toEqualTypeOf<"added" | "removed" | undefined>();
});
