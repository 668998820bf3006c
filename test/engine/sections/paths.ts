// The request target reaches the origin byte for byte.

import { expect } from "vitest";
import { openStrictOrigin } from "../../fixtures/strict-origin.ts";
import type { Contract } from "../proxy-front.ts";
import { RawClient } from "../raw-client.ts";

const ODD_PATHS = [
  "//x",
  "/a//b/../c",
  "/./a/.",
  "/%2e%2e/x",
  "/%2F%5c%00",
  "/a\\b",
  "/?u=http://q//z",
  "/?a=b?c=d&&=",
  "/[x]|y^`{}<>",
  "/\"'",
  "/%zz%",
  "/http://evil.example/x",
  `/${"long/".repeat(1_500)}`,
];

export function describePaths({ behaviour, open }: Contract): void {
  async function targetsAt(lines: readonly string[]): Promise<string[]> {
    const origin = await openStrictOrigin();
    const { port } = await open(origin.url);
    for (const line of lines) {
      const client = await RawClient.connect(port);
      client.send(`${line} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
      expect((await client.response()).status).toBe(200);
      client.close();
    }
    expect(origin.violations).toEqual([]);
    return origin.requests.map(({ startLine }) => startLine.replace(/ HTTP\/1\.1$/, ""));
  }

  for (const path of ODD_PATHS) {
    behaviour(`${path.slice(0, 40)} is passed on as it is`, async () => {
      expect(await targetsAt([`GET ${path}`])).toEqual([`GET ${path}`]);
    });
  }

  behaviour("the absolute form of a target becomes its path", async () => {
    const lines = ["GET http://localhost/a//b?c", "GET http://localhost", "GET HTTP://localhost?q"];
    expect(await targetsAt(lines)).toEqual(["GET /a//b?c", "GET /", "GET /?q"]);
  });

  behaviour("OPTIONS * stays OPTIONS *", async () => {
    expect(await targetsAt(["OPTIONS *"])).toEqual(["OPTIONS *"]);
  });

  behaviour("methods beyond the common ones pass", async () => {
    const lines = ["PROPFIND /a", "M-SEARCH /b", "PURGE /c", "PATCH /d", "TRACE /e"];
    expect(await targetsAt(lines)).toEqual(lines);
  });
}
