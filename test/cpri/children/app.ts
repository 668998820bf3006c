// An application that knows nothing of us: it sends what it is told to, and tells what it got.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

interface Told {
  readonly url: string;
  readonly method?: string;
  readonly body?: string;
  readonly headers?: Record<string, string>;
}

async function got({ url, ...init }: Told): Promise<object> {
  try {
    const reply = await fetch(url, init);
    return { status: reply.status, text: await reply.text() };
  } catch (error) {
    const { code, message } = ((error as Error).cause ?? error) as NodeJS.ErrnoException;
    return { error: { code, message } };
  }
}

const server = createServer((request, response) => {
  void text(request).then(async (told) => {
    // What a test runner sends to see whether it is there.
    if (told === "") return response.end("ready");
    return response.end(JSON.stringify(await got(JSON.parse(told) as Told)));
  });
});
server.listen(0, "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
