// A worker process of the tour. It gets a port and a name, and lives as long as its connection.

import { once } from "node:events";
import { pipeline } from "node:stream";
import { createGzip } from "node:zlib";
import { IPCClient } from "crosswire";
import {
  askForAdvice,
  compose,
  compress,
  countPrimes,
  countProduced,
  fail,
  findWord,
  giveAdvice,
  produce,
  started,
  stopped,
  work,
} from "./commands.ts";

const [port, runtimeId] = process.argv.slice(2);
const client = new IPCClient(Number(port));

client.onFrameworkRequest(countPrimes, (limit) => {
  let count = 0;
  for (let n = 2; n < limit; n++) if (isPrime(n)) count++;
  return count;
});

client.onFrameworkRequest(compose, async () => {
  const word = await client.sendFrameworkRequest(findWord, { letters: 9 });
  return `${word.toUpperCase()}, said ${runtimeId}`;
});

let produced = 0;
client.onFrameworkRequest(countProduced, () => produced);
client.onStream(produce, async function* ({ itemBytes }, { signal }) {
  try {
    for (;;) {
      produced++;
      yield new Uint8Array(itemBytes);
    }
  } finally {
    client.sendMessage(stopped, { why: String(signal.reason) });
  }
});

client.onStream(compress, (_payload, { upload }) => pipeline(upload, createGzip(), () => {}));

client.onFrameworkRequest(fail, (document) => {
  const cause = new Error(`ENOENT: no such file, open '${document}'`);
  throw Object.assign(new Error(`cannot print ${document}`, { cause }), { code: "E_PRINT" });
});

client.onFrameworkRequest(work, async (_payload, { signal }) => {
  client.sendMessage(started);
  await once(signal, "abort");
  client.sendMessage(stopped, { why: String(signal.reason) });
});

client.onMessage(askForAdvice, async () => {
  console.log(`the answer came: "${await client.sendFrameworkRequest(giveAdvice)}"`);
});

client.onClose(({ error }) => console.log(error.message));
await client.connect(runtimeId);

function isPrime(n: number): boolean {
  for (let divisor = 2; divisor * divisor <= n; divisor++) if (n % divisor === 0) return false;
  return true;
}
