// The least that makes a server of a function: it is given the parts of a path. Says on stdout where it listens.

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export async function serve(answer: (parts: readonly string[]) => Promise<string>): Promise<void> {
  const server = createServer((request, reply) => {
    const [, ...parts] = request.url?.split("/") ?? [];
    answer(parts).then(
      (text) => reply.end(text),
      (error: unknown) => reply.writeHead(500).end(String(error)),
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}
