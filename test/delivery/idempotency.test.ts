// Calls that may be sent twice: after a lost connection they are answered, and run as often as they may.

import { IPCServer } from "crosswire";
import { expect, test } from "vitest";
import { openNetwork } from "../fixtures/bad-network.ts";
import { deferred, until } from "../fixtures/wait.ts";

const charge = IPCServer.defineRequest<number, string>("idempotency/charge");
const read = IPCServer.defineRequest<number, string>("idempotency/read", { idempotent: true });
const reconnect = { initialDelayMs: 1, maxDelayMs: 5 };

test("a call with a key that is cut off runs once, and is answered on the next connection", async () => {
  const { server, proxy, client: connect } = await openNetwork();
  const release = deferred();
  let runs = 0;
  server.onFrameworkMessage(charge, async (amount) => {
    runs++;
    await release.promise;
    return `charged ${amount}`;
  });
  const client = await connect("payer", { reconnect });
  const answer = client.sendFrameworkRequest(charge, 5, { idempotencyKey: "order-1" });
  await until(() => runs === 1, "the handler to run");
  const back = new Promise<void>((resolve) => client.onReconnect(resolve));
  proxy.cut();
  await back;
  release.resolve();
  expect(await answer).toBe("charged 5");
  expect(runs).toBe(1);
});

test.each([
  { what: "has a key", request: charge, options: { idempotencyKey: "order-2" } },
  { what: "is idempotent", request: read, options: {} },
])(
  "a call that $what is answered after a cut, although its handler gives up when cut off",
  async ({ request, options }) => {
    const { server, proxy, client: connect } = await openNetwork();
    let runs = 0;
    server.onFrameworkMessage(request, async (amount, { signal }) => {
      if (++runs > 1) return `charged ${amount}`;
      const cutOff = new Promise<void>((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
      });
      // Long enough to be cut off, if a cut reaches it at all.
      await Promise.race([cutOff, until(() => server.clients().length === 0, "the cut")]);
      return `charged ${amount}`;
    });
    const client = await connect("payer", { reconnect });
    const answer = client.sendFrameworkRequest(request, 5, options);
    await until(() => runs === 1, "the handler to run");
    proxy.cut();
    expect(await answer).toBe("charged 5");
  },
);

test("a key that is used again gets the answer of its first run, also when that was a failure", async () => {
  const { server, client: connect } = await openNetwork();
  let runs = 0;
  server.onFrameworkMessage(charge, () => {
    throw new Error(`run ${++runs} failed`);
  });
  const client = await connect("payer", { reconnect });
  for (let i = 0; i < 3; i++) {
    const call = client.sendFrameworkRequest(charge, 5, { idempotencyKey: "order-3" });
    await expect(call).rejects.toThrow("run 1 failed");
  }
  expect(runs).toBe(1);
});
