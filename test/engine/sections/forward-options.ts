// What may be different for one exchange: its path, request fields, response fields.

import { expect } from "vitest";
import type { ResponseHead } from "../../../src/http/engine/engine.ts";
import { openStrictOrigin } from "../../fixtures/strict-origin.ts";
import { valuesOf } from "../../fixtures/strict-message.ts";
import { until } from "../../fixtures/wait.ts";
import type { Contract } from "../proxy-front.ts";
import { get, post, RawClient } from "../raw-client.ts";

export function describeForwardOptions({ behaviour, open }: Contract): void {
  behaviour("another path is asked for than the client asked", async () => {
    const origin = await openStrictOrigin();
    const { port } = await open(origin.url, { forward: { path: "/other//%2e?q" } });
    const client = await RawClient.connect(port);
    client.send(get("/mine"));
    await client.response();
    expect(origin.requests[0]?.startLine).toBe("GET /other//%2e?q HTTP/1.1");
  });

  behaviour("set fields take the place of the client's, however these are written", async () => {
    const origin = await openStrictOrigin();
    const setFields = { "X-Set": "new", Cookie: "c=1" };
    const { port } = await open(origin.url, { forward: { setFields } });
    const client = await RawClient.connect(port);
    client.send(get("/", "x-SET: old\r\nX-Kept: 1\r\nX-Set: older\r\ncookie: c=2\r\n"));
    await client.response();
    const { fields } = origin.requests[0]!;
    expect(valuesOf(fields, "x-set")).toEqual(["new"]);
    expect(valuesOf(fields, "cookie")).toEqual(["c=1"]);
    expect(valuesOf(fields, "x-kept")).toEqual(["1"]);
  });

  behaviour("a set field can neither frame the request nor break out of its line", async () => {
    const origin = await openStrictOrigin();
    for (const setFields of [
      { "Content-Length": "1" },
      { "Transfer-Encoding": "chunked" },
      { "X-Set": "a\r\nX-Evil: 1" },
      { "X-Set: a\r\nX-Evil": "1" },
    ]) {
      const front = await open(origin.url, { forward: { setFields } });
      const client = await RawClient.connect(front.port);
      client.send(post("abc"));
      await client.response();
    }
    expect(origin.violations).toEqual([]);
    expect(origin.received()).not.toMatch(/^x-evil/im);
    for (const { body } of origin.requests) expect(String(body)).toBe("abc");
  });

  behaviour("the fields of a response can be replaced, but not its framing", async () => {
    const heads: ResponseHead[] = [];
    const answer =
      "HTTP/1.1 201 Made\r\nLocation: http://a/\r\nX-Two: 1\r\nX-Two: 2\r\nContent-Length: 2\r\n\r\nok";
    const origin = await openStrictOrigin({ onRequest: () => answer });
    const editResponse = (head: ResponseHead): string[] => {
      heads.push(head);
      return ["X-New", "1", "X-New", "2", "Content-Length", "99", "Transfer-Encoding", "chunked"];
    };
    const { port } = await open(origin.url, { forward: { editResponse } });
    const client = await RawClient.connect(port);
    client.send(get());
    const { status, fields, body } = await client.response();
    expect(heads).toHaveLength(1);
    expect(heads[0]).toMatchObject({ status: 201, statusText: "Made" });
    expect(heads[0]?.fields.join()).toContain("Location,http://a/,X-Two,1,X-Two,2");
    expect(heads[0]?.fields.join()).not.toMatch(/content-length/i);
    expect(status).toBe(201);
    expect(valuesOf(fields, "x-new")).toEqual(["1", "2"]);
    expect(valuesOf(fields, "location")).toEqual([]);
    expect(String(body)).toBe("ok");
  });

  behaviour("an edit that throws costs one exchange", async () => {
    const origin = await openStrictOrigin();
    let isFirst = true;
    const editResponse = ({ fields }: ResponseHead): readonly string[] => {
      if (!isFirst) return fields;
      isFirst = false;
      throw new Error("a bug");
    };
    const { port } = await open(origin.url, { forward: { editResponse } });
    const client = await RawClient.connect(port);
    client.send(get());
    await until(() => !isFirst, "the edit");
    const other = await RawClient.connect(port);
    other.send(get());
    expect((await other.response()).status).toBe(200);
  });
}
