// A process with nothing to do but to wait for decisions. It prints what it got, and nothing tells it to end.

import { get } from "node:http";
import { text } from "node:stream/consumers";
import { setTimeout as wait } from "node:timers/promises";
import { startCapture } from "../../../src/capture/capture.ts";

const URL = "http://nowhere.invalid";

startCapture({
  decide: async ({ client }) => {
    await wait(20, undefined, { ref: false });
    return { kind: "respond", status: 200, headers: [], body: slowly(client) };
  },
});

async function* slowly(word: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(word);
  await wait(20, undefined, { ref: false });
  yield Buffer.from("!");
}

async function run(): Promise<void> {
  console.log(await (await fetch(URL)).text());
  console.log(
    await new Promise<string>((resolve) => {
      get(URL, (response) => void text(response).then(resolve));
    }),
  );
  const request = get(URL, () => {
    throw new Error("thrown by the application");
  });
  process.once("uncaughtException", ({ message }) => {
    console.log(message);
    request.destroy();
  });
}

void run();
