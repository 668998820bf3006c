// A test file for Vitest in which each test gets a bad network of its own, in front of one server.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
// #region fixture
import { afterAll, beforeAll, expect, test as base } from "vitest";
import { type ChaosProxy, chaosProxyFixture } from "crosswire/testkit";

const service = createServer((_request, response) => response.end("apples"));
const port = (): number => (service.address() as AddressInfo).port;
beforeAll(() => new Promise<void>((resolve) => void service.listen(0, "127.0.0.1", resolve)));
afterAll(() => new Promise<void>((resolve) => void service.close(() => resolve())));

const test = base.extend<{ network: ChaosProxy }>({
  network: chaosProxyFixture(port, { sliceBytes: 10, jitterMs: 2 }),
});

test("the stock arrives on a trembling network", async ({ network, onTestFailed }) => {
  onTestFailed(() => console.error(`The network had the seed ${network.seed}.`));
  const answer = await fetch(`http://${network.host}:${network.port}/stock`);
  expect(await answer.text()).toBe("apples");
});
// #endregion
