// What can be registered, in which form it is kept, and how what cannot is refused.

import { type CrosswireError, isCrosswireError } from "crosswire";
import { DiscoveryIPC, type ServiceEntry } from "crosswire/discovery";
import { describe, expect, test } from "vitest";
import { rejection } from "../fixtures/wait.ts";
import { openPlace, openRegistrant } from "./fixtures/registry-world.ts";

const URL = "http://127.0.0.1:4001";
const LONG = "a".repeat(2_049);

const INVALID: readonly [string, unknown, string][] = [
  ["no list", { api: "users", baseUrl: URL }, "a list of { api, baseUrl, pathPrefix? } is needed"],
  ["nothing", undefined, "a list of { api, baseUrl, pathPrefix? } is needed"],
  ["null in the list", [null], "null is not a service; { api, baseUrl, pathPrefix? } is needed"],
  ["a text in the list", ["users"], '"users" is not a service'],
  [
    "1,001 services",
    Array.from({ length: 1_001 }, () => ({ api: "a", baseUrl: URL })),
    "these are 1001",
  ],
  ["a text without end", [LONG], "is not a service"],
  ["no api", [{ baseUrl: URL }], "missing is not a name for an api"],
  ["an empty api", [{ api: "", baseUrl: URL }], '"" is not a name for an api'],
  ["a number as api", [{ api: 7, baseUrl: URL }], "7 is not a name for an api"],
  ["a line end in the api", [{ api: "a\nb", baseUrl: URL }], '"a\\nb" is not a name for an api'],
  ["an api without end", [{ api: LONG, baseUrl: URL }], "is not a name for an api"],
  ["no baseUrl", [{ api: "users" }], 'the baseUrl of "users" is missing; it has to be a URL like'],
  ["null as baseUrl", [{ api: "users", baseUrl: null }], 'the baseUrl of "users" is null'],
  [
    "an epoch in words",
    [{ api: "users", baseUrl: URL, epoch: "2" }],
    'the epoch of "users" is "2"',
  ],
  ["half an epoch", [{ api: "users", baseUrl: URL, epoch: 1.5 }], "has to be a whole number"],
  ...[
    "",
    "users",
    "localhost:4001",
    "/users",
    "//127.0.0.1:4001",
    "http:127.0.0.1",
    "http://",
    "http://:4001",
    "http://127.0.0.1:65536",
    "http://[::1",
    "ftp://127.0.0.1",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "http+unix:/tmp/x.sock",
    "ws+unix:/tmp/x.sock",
    "http://127.0.0.1:4001/?tenant=1",
    "http://127.0.0.1:4001/?",
    "http://127.0.0.1:4001#",
    "http://user@127.0.0.1:4001",
    " http://127.0.0.1:4001",
    "http://127.0.0.1:4001 ",
    "http://127.0.0.1:40\n01",
    "http://127.0.0.1:4001/\r\nX-Injected: 1",
    `http://${LONG}`,
  ].map((baseUrl): [string, unknown, string] => [
    `the baseUrl ${JSON.stringify(baseUrl).slice(0, 40)}`,
    [{ api: "users", baseUrl }],
    "it has to be a URL like http://127.0.0.1:4001",
  ]),
  ...[
    "",
    "users",
    "?x",
    "/users?x",
    "/users#x",
    "/my users",
    "/users\r\n",
    "/\uD800",
    `/${LONG}`,
    7,
  ].map((pathPrefix): [string, unknown, string] => [
    `the pathPrefix ${JSON.stringify(pathPrefix).slice(0, 40)}`,
    [{ api: "users", baseUrl: URL, pathPrefix }],
    "it has to be a path like /users",
  ]),
];

describe.each(["by the client", "by the server"])("%s is refused", (by) => {
  test("with a reason, whatever cannot be registered", async () => {
    const { server, discovery } = await openPlace();
    const { client, discovery: registrant } = await openRegistrant(server);
    for (const [what, entries, reason] of INVALID) {
      const list = entries as ServiceEntry[];
      const registered =
        by === "by the client"
          ? registrant.register(list)
          : client.sendFrameworkRequest(DiscoveryIPC.discoveryServer.register, list);
      const { code, message, detail } = (await rejection(registered)) as CrosswireError;
      // A plain client hears of it as of any error of a handler.
      const expected =
        by === "by the client" ? ["XW_INVALID"] : ["XW_REMOTE", { code: "XW_INVALID" }];
      expect([what, code, detail].slice(0, expected.length + 1)).toMatchObject([what, ...expected]);
      expect([what, message]).toEqual([what, expect.stringContaining(reason)]);
      expect(message).toContain("A service cannot be registered: ");
      expect(message.length).toBeLessThan(500);
    }
    expect(discovery.list()).toEqual([]);
  });
});

const KEPT: readonly [string, ServiceEntry, Partial<ServiceEntry>][] = [
  ["slashes at the end of a baseUrl", { api: "a", baseUrl: `${URL}//` }, { baseUrl: URL }],
  ["a base path", { api: "a", baseUrl: `${URL}/v2/` }, { baseUrl: `${URL}/v2` }],
  ["an https URL", { api: "a", baseUrl: "https://example.test" }, {}],
  ["a ws URL", { api: "a", baseUrl: "ws://127.0.0.1:1" }, {}],
  ["a name as host", { api: "a", baseUrl: "HTTP://localhost" }, {}],
  ["an IPv6 host", { api: "a", baseUrl: "http://[::1]:4001" }, {}],
  ["a prefix as it is", { api: "a", baseUrl: URL, pathPrefix: "/A/b.c" }, {}],
  ["a slash at the end", { api: "a", baseUrl: URL, pathPrefix: "/a/" }, { pathPrefix: "/a" }],
  ["many slashes", { api: "a", baseUrl: URL, pathPrefix: "//a//b//" }, { pathPrefix: "/a/b" }],
  ["dots", { api: "a", baseUrl: URL, pathPrefix: "/x/../a/./b" }, { pathPrefix: "/a/b" }],
  ["the root", { api: "a", baseUrl: URL, pathPrefix: "/" }, {}],
  ["nothing but slashes", { api: "a", baseUrl: URL, pathPrefix: "//" }, { pathPrefix: "/" }],
  [
    "letters as in the URL bar",
    { api: "a", baseUrl: URL, pathPrefix: "/ü" },
    { pathPrefix: "/%C3%BC" },
  ],
  ["a name with spaces and colons", { api: "a: b/c?", baseUrl: URL }, {}],
];

test("what is registered is kept in one form, and both forms mean the same", async () => {
  const { server, discovery } = await openPlace();
  const { discovery: client } = await openRegistrant(server);
  for (const [what, entry, kept] of KEPT) {
    await client.register([entry]);
    const service = { ...entry, ...kept, owner: "client-1", pid: process.pid };
    expect([what, discovery.list()]).toEqual([what, [service]]);
    expect([what, await client.list()]).toEqual([what, [service]]);
    expect([what, await client.unregister(entry.api, entry.baseUrl)]).toEqual([what, 1]);
  }
});

test("nothing is kept but what belongs to a service", async () => {
  const { server, discovery } = await openPlace();
  const { client } = await openRegistrant(server);
  const entry = { api: "a", baseUrl: URL, owner: "client-7", pid: 1, extra: { big: true } };
  await client.sendFrameworkRequest(DiscoveryIPC.discoveryServer.register, [entry]);
  expect(discovery.list()).toEqual([
    { api: "a", baseUrl: URL, owner: "client-1", pid: process.pid },
  ]);
});

test.each(["__proto__", "constructor", "toString", "hasOwnProperty", "prototype"])(
  "an api called %s is one like every other",
  async (api) => {
    const { server, discovery } = await openPlace();
    const { discovery: client } = await openRegistrant(server);
    expect(await client.discoverApi(api)).toEqual({
      success: false,
      error: `Service not registered: nobody serves "${api}"; nothing is registered.`,
      retryable: false,
    });
    expect(discovery.matchRoute(`/${api}`)).toBeUndefined();
    await client.register([{ api, baseUrl: URL, pathPrefix: `/${api}` }]);
    expect(await client.discoverApi(api)).toMatchObject({ success: true, baseUrl: URL });
    expect(discovery.matchRoute(`/${api}/x`)).toMatchObject({ api });
    expect(await client.unregister(api)).toBe(1);
    expect(discovery.list()).toEqual([]);
    expect(Object.prototype).not.toHaveProperty("baseUrl");
  },
);

test.each<[string, unknown]>([
  ["no service", null],
  ["nowhere", { api: "mock", baseUrl: "" }],
  ["no prefix", { api: "mock", baseUrl: URL, pathPrefix: "users" }],
])("addRoute() refuses %s at once", async (_what, entry) => {
  const { discovery } = await openPlace();
  let error: unknown;
  try {
    discovery.addRoute(entry as ServiceEntry);
  } catch (thrown) {
    error = thrown;
  }
  expect(isCrosswireError(error, "XW_INVALID")).toBe(true);
});
