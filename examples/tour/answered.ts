// A step about an application that knows nothing of Crosswire: what it sends is answered by this process.

import { http, HttpResponse, setupRemoteServer } from "crosswire/cpri";
import { CrewMember } from "./crew.ts";
import { say } from "./narrator.ts";

export async function answerForAnother(): Promise<void> {
  // Two tours may run at once, and are not to meet.
  process.env["CROSSWIRE_NAME"] = `tour-${process.pid}`;
  const shop = new CrewMember("a shop", "../cpri/shop.mjs", [], ["--import", "crosswire/register"]);
  const remote = setupRemoteServer(
    http.get("https://prices.example.com/books/:title", () => HttpResponse.json({ amount: 12 })),
  );
  try {
    await Promise.all([shop.firstLine(), remote.listen()]);
    const url = `${shop.lines[0]}/dune`;
    say(
      `${shop.name} (pid ${shop.pid}) gets its prices from https://prices.example.com, which does not exist.`,
    );
    say(`What it shows, answered by this process: ${await read(url)}`);
    await remote.use(
      http.get("https://prices.example.com/books/dune", () => HttpResponse.json({ amount: 3 })),
    );
    say(`A handler later: ${await read(url)}`);
  } finally {
    await remote.close();
    shop.kill();
    await shop.ended;
  }
}

async function read(url: string): Promise<string> {
  return (await fetch(url)).text();
}
