// A member that only looks, in a process of its own, so that what is timed is not the process that commands the crowd:
// it follows whoever leads, and never bids. Answers commands by their id.

import { setTimeout as sleep } from "node:timers/promises";
import { joinDiscovery } from "crosswire/discovery";

const LOOKUP_TICK_MS = 5;
const LOOKUP_TIMEOUT_MS = 10;

const [port, name] = process.argv.slice(2);
const neverBids = {
  port: Number(port),
  canLead: false,
  find: async () => Number(port),
  bid: async () => undefined,
};
const member = await joinDiscovery({ name, elector: neverBids });

const commands = {
  epoch: () => member.epoch,
  list: async () => (await member.list()).map(({ api }) => api).sort(),

  /** When, in monotonic nanoseconds, a leader above this epoch first answered for one of the services. */
  async firstAnswer({ services, above }) {
    for (let turn = 0; ; turn++) {
      const service = services[turn % services.length];
      // One that is not back yet is not waited for: another one may be.
      const found = await member
        .discoverApi(service, { timeoutMs: LOOKUP_TIMEOUT_MS })
        .catch(() => undefined);
      if (found?.success && found.epoch > above) return process.hrtime.bigint().toString();
      await new Promise((resolve) => setImmediate(resolve));
    }
  },

  /** "success", or what came instead. */
  async lookUp({ service }) {
    try {
      const found = await member.discoverApi(service);
      return found.success ? "success" : found.error;
    } catch (error) {
      return error.code ?? String(error);
    }
  },

  /** Open loop: what is slow does not slow down what comes after it. */
  async load({ service, perSecond, forMs }) {
    const results = { failures: [], times: [] };
    const pending = [];
    const startedAt = performance.now();
    for (let now = startedAt; now < startedAt + forMs; now = performance.now()) {
      const due = ((now - startedAt) / 1_000) * perSecond;
      while (pending.length < due) pending.push(timed(service, results));
      await sleep(LOOKUP_TICK_MS);
    }
    await Promise.all(pending);
    return results;
  },

  async close() {
    await member.close();
    process.disconnect();
  },
};

process.on("message", (request) => void obey(request));
process.on("disconnect", () => process.exit());
process.send({ id: 0 });

async function obey({ id, command, ...options }) {
  const result = await commands[command](options);
  if (process.connected) process.send({ id, result });
}

async function timed(service, { failures, times }) {
  const startedAt = performance.now();
  const seen = await commands.lookUp({ service });
  times.push(performance.now() - startedAt);
  if (seen !== "success") failures.push(seen);
}
