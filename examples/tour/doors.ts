// Steps at the door: who may not come in, and what they are told.

import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { text } from "node:stream/consumers";
import type { IPCServer } from "crosswire";
import { CrewMember } from "./crew.ts";
import { say } from "./narrator.ts";

export async function samePort(server: IPCServer): Promise<void> {
  const port = server.getPort();
  const rival = new CrewMember("rival", "rival.ts", [String(port)]);
  const exit = await rival.ended;
  say(`In process ${rival.pid}: await new IPCServer(${port}).start() is ${rival.lines.join()}.`);
  say(`It knows that it is not the first, and ends with ${exit}.`);
}

export async function foreignPage(server: IPCServer): Promise<void> {
  say("A page of https://evil.example opens a WebSocket to this port.");
  const page = await knock(server, { Origin: "https://evil.example" });
  say(`${page.statusCode}: ${await text(page)}`);
  say("A program without the token tries the same.");
  const program = await knock(server, {});
  say(`${program.statusCode}: ${await text(program)}`);
}

async function knock(
  server: IPCServer,
  headers: Readonly<Record<string, string>>,
): Promise<IncomingMessage> {
  const upgrade = {
    Connection: "Upgrade",
    Upgrade: "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
  };
  const asked = request(`${server.getUrl()}/__crosswire/ipc`, {
    headers: { ...upgrade, ...headers },
  }).end();
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  return response;
}
