// Request smuggling: a front and its engine before an origin that splits by its own strict rules. Both have to see the
// same requests, whatever a client sends; and no answer may reach another request than its own, whatever an origin says.

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { createEngine } from "../../src/http/engine/create-engine.ts";
import { createHttpProxyEngine } from "../engine/http-proxy-adapter.ts";
import { type MakeEngine, openProxyFront } from "../engine/proxy-front.ts";
import { chunked, get, post, RawClient } from "../engine/raw-client.ts";
import { readResponse } from "../fixtures/strict-message.ts";
import {
  openStrictOrigin,
  type OriginRequest,
  type StrictOrigin,
} from "../fixtures/strict-origin.ts";

interface Classic {
  readonly title: string;
  readonly payload: string;
  readonly expect: "reject" | "reject-or-one";
}

const file = new URL("../fixtures/cases/smuggling-classics.json", import.meta.url);
const classics = JSON.parse(readFileSync(file, "utf8")) as readonly Classic[];

const SMUGGLED = "GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n";
/** Sent behind each attack, so that the connection comes to an end that can be waited for. */
const LAST = get("/last", "Connection: close\r\n");
/** Ends what would wait for ever: a body that was announced and does not come. */
const LIMITS = { proxyIdleTimeoutMs: 500, proxyHeadTimeoutMs: 5_000 };

const ORIGINS = [
  { origin: "an origin that keeps connections", connection: "" },
  { origin: "an origin that closes them", connection: "Connection: close\r\n" },
];

/** What came out of an attack. */
interface Result {
  readonly origin: StrictOrigin;
  /** The requests that were answered by the origin, as it named them in its answers. */
  readonly answered: readonly string[];
  readonly statuses: readonly number[];
}

/** Names a request, so that an answer can be told from one that was meant for another. */
function nameOf({ startLine, body }: OriginRequest): string {
  return `${startLine.replace(/ HTTP.*/, "")} ${body.length}`;
}

function answerTo(request: OriginRequest, connection: string): string {
  const head = `HTTP/1.1 200 OK\r\nX-Name: ${nameOf(request)}\r\n${connection}`;
  return `${head}Content-Length: 2\r\n\r\n${request.startLine.startsWith("HEAD ") ? "" : "ok"}`;
}

async function attack(
  payload: string,
  connection = "",
  make: MakeEngine = createEngine,
): Promise<Result> {
  const origin = await openStrictOrigin({
    onHead: (head) =>
      /^expect: *100-continue\r$/im.test(head) ? "HTTP/1.1 100 Continue\r\n\r\n" : undefined,
    onRequest: (request) => answerTo(request, connection),
  });
  const { port } = await openProxyFront(make, origin.url, { limits: LIMITS });
  const client = await RawClient.connect(port);
  client.send(payload + LAST);
  await client.raw.closed();
  return { origin, ...answersIn(client.raw.received, payload.startsWith("HEAD ")) };
}

/** Splits what the client got; its first request may be a HEAD, the others are none. */
function answersIn(received: Buffer, isFirstHead: boolean): Pick<Result, "answered" | "statuses"> {
  const answered: string[] = [];
  const statuses: number[] = [];
  for (let rest = received; rest.length > 0;) {
    const isHead = isFirstHead && statuses.length === 0;
    const message = readResponse(rest, { isHead, hasEnded: true });
    if (message === undefined) throw new Error(`Not a whole answer: ${rest.toString("latin1")}`);
    rest = rest.subarray(message.size);
    if (message.status < 200) continue;
    statuses.push(message.status);
    const name = message.fields.find(([key]) => key === "X-Name")?.[1];
    if (name !== undefined) answered.push(name);
  }
  return { answered, statuses };
}

/** Each request at the origin was answered to the client as itself; so the front saw the same requests. */
function expectInStep({ origin, answered }: Result): void {
  expect(origin.violations).toEqual([]);
  const seen = origin.requests.map(nameOf);
  expect(seen.sort()).toEqual([...answered].sort());
}

describe.each(ORIGINS)(
  "before $origin, front and origin see the same requests:",
  ({ connection }) => {
    test.each(classics)("$title", async ({ payload, expect: expected }) => {
      const result = await attack(payload, connection);
      expectInStep(result);
      const [first = 0] = result.statuses;
      if (expected === "reject" || first !== 200) {
        expect(first).toBeGreaterThanOrEqual(400);
        expect(first).toBeLessThan(505);
      }
      if (expected === "reject") expect(result.origin.received()).not.toContain("smuggled");
    });

    const hiding = ["GET", "DELETE", "OPTIONS", "POST"].flatMap((method) => [
      {
        method,
        what: "Content-Length",
        line: `Content-Length: ${SMUGGLED.length}\r\n`,
        body: SMUGGLED,
      },
      {
        method,
        what: "Transfer-Encoding",
        line: "Transfer-Encoding: chunked\r\n",
        body: inChunks(SMUGGLED),
      },
    ]);
    test.each(hiding)(
      "$what of a $method behind 2,102 tiny headers",
      async ({ method, line, body }) => {
        const tiny = Array.from({ length: 2_102 }, (_, i) => `${(i % 36).toString(36)}:\r\n`).join(
          "",
        );
        const result = await attack(
          `${method} / HTTP/1.1\r\nHost: localhost\r\n${tiny}${line}\r\n${body}`,
          connection,
        );
        expectInStep(result);
        // That many fields are no fault: they are passed on, and with them the body that they tried to hide.
        expect(result.answered).toEqual([`${method} / ${SMUGGLED.length}`, "GET /last 0"]);
      },
    );

    test("a second length behind 2,102 tiny headers is refused", async () => {
      const tiny = "a:\r\n".repeat(2_102);
      for (const lines of [
        `Content-Length: 0\r\n${tiny}Content-Length: ${SMUGGLED.length}\r\n`,
        `Content-Length: ${SMUGGLED.length}\r\n${tiny}Transfer-Encoding: chunked\r\n`,
        `Transfer-Encoding: chunked\r\n${tiny}Content-Length: 5\r\n`,
      ]) {
        const result = await attack(
          `POST / HTTP/1.1\r\nHost: localhost\r\n${lines}\r\n${SMUGGLED}`,
          connection,
        );
        expectInStep(result);
        expect(result.statuses[0]).toBe(400);
        expect(result.origin.requests).toEqual([]);
      }
    });

    const bodies = ["DELETE", "OPTIONS", "GET", "HEAD", "PUT", "PATCH", "TRACE"].flatMap(
      (method) => [
        { what: `a ${method} with a chunked body`, payload: chunked(method, SMUGGLED), method },
        {
          what: `a ${method} with a length`,
          payload: post(SMUGGLED).replace("POST", method),
          method,
        },
        {
          what: `a ${method} with chunks and nominated framing`,
          payload: chunked(method, SMUGGLED, "Connection: transfer-encoding, content-length\r\n"),
          method,
        },
      ],
    );
    test.each(bodies)("$what that is a request", async ({ method, payload }) => {
      const result = await attack(payload, connection);
      expectInStep(result);
      expect(result.answered).toEqual([`${method} / ${SMUGGLED.length}`, "GET /last 0"]);
    });

    test("chunked bodies cut at any byte", async () => {
      const whole = chunked("DELETE", SMUGGLED);
      for (let size = whole.indexOf("\r\n\r\n"); size < whole.length; size += 7) {
        expectInStep(await attack(whole.slice(0, size), connection));
      }
    });
  },
);

test("the same measure finds the requests that http-proxy lets through", async () => {
  const payload = chunked("DELETE", SMUGGLED);
  const { origin, answered } = await attack(payload, "", createHttpProxyEngine);
  expect(origin.requests.map(nameOf)).toContain("GET /smuggled 0");
  expect(answered).not.toContain("GET /smuggled 0");
});

describe("no answer reaches another request than its own, when an origin sends", () => {
  const evil = "HTTP/1.1 200 OK\r\nX-Name: evil\r\nContent-Length: 0\r\n\r\n";
  const ok = (lines: string): string => `HTTP/1.1 200 OK\r\n${lines}\r\n`;
  test.each([
    {
      what: "two responses to one request",
      method: "GET",
      answer: `${ok("Content-Length: 0\r\n")}${evil}`,
    },
    {
      what: "a body after a response to HEAD",
      method: "HEAD",
      answer: ok("Content-Length: 64\r\n") + evil,
    },
    {
      what: "chunks after a response to HEAD",
      method: "HEAD",
      answer: ok("Transfer-Encoding: chunked\r\n") + inChunks(evil),
    },
    { what: "a body after a 204", method: "GET", answer: `HTTP/1.1 204 No Content\r\n\r\n${evil}` },
    {
      what: "a 204 with a length",
      method: "GET",
      answer: `HTTP/1.1 204 No\r\nContent-Length: 64\r\n\r\n${evil}`,
    },
    {
      what: "a 204 with chunks",
      method: "GET",
      answer: `HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n${inChunks(evil)}`,
    },
    {
      what: "a body after a 304",
      method: "GET",
      answer: `HTTP/1.1 304 Not Modified\r\nContent-Length: 64\r\n\r\n${evil}`,
    },
    {
      what: "more than the length says",
      method: "GET",
      answer: `${ok("Content-Length: 2\r\n")}ok${evil}`,
    },
    {
      what: "more than the chunks say",
      method: "GET",
      answer: `${ok("Transfer-Encoding: chunked\r\n")}0\r\n\r\n${evil}`,
    },
    {
      what: "a length and chunks",
      method: "GET",
      answer: `${ok("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n")}0\r\n\r\n${evil}`,
    },
    {
      what: "an interim response with a body",
      method: "GET",
      answer: `HTTP/1.1 103 Hints\r\nContent-Length: ${evil.length}\r\n\r\n${evil}`,
    },
    {
      what: "an unasked 101",
      method: "GET",
      answer: `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n${evil}`,
    },
    {
      what: "a 100 after its response",
      method: "GET",
      answer: `${ok("Content-Length: 0\r\n")}HTTP/1.1 100 Continue\r\n\r\n${evil}`,
    },
    {
      what: "a line feed that might end a head",
      method: "GET",
      answer: `HTTP/1.1 200 OK\r\nX: a\n\n${evil}\r\n\r\n`,
    },
    {
      what: "a trailer that might be a head",
      method: "GET",
      answer: `${ok("Transfer-Encoding: chunked\r\n")}0\r\nHTTP/1.1 200 OK\r\n\r\n${evil}`,
    },
  ])("$what", async ({ method, answer }) => {
    const origin = await openStrictOrigin({
      onRequest: (request) =>
        request.startLine.includes("/last") ? answerTo(request, "") : answer,
    });
    const { port } = await openProxyFront(createEngine, origin.url, { limits: LIMITS });
    const client = await RawClient.connect(port);
    client.send(get("/evil").replace("GET", method));
    const first = await client.next({ isHead: method === "HEAD" }).catch(() => undefined);
    const other = await RawClient.connect(port);
    other.send(LAST);
    const last = await other.response();
    expect(last.head).toContain("X-Name: GET /last 0");
    expect(first?.head ?? "").not.toContain("evil");
    expect(String(client.raw.received)).not.toContain("evil");
    expect(await other.rest()).toBe("");
  });

  test("nothing at the end of a path or of a value that could end a line", async () => {
    const result = await attack(get("/%0d%0aX-Evil:%201%0d%0a%0d%0a", "X-A: %0d%0aX-Evil: 1\r\n"));
    expectInStep(result);
    expect(result.origin.received()).not.toMatch(/^x-evil/im);
  });
});

function inChunks(body: string): string {
  return `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
}
