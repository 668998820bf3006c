// Fire and forget: who hears a message, in which order, and where the bugs of a listener go.

import { IPCClient, type IPCServer as Server, IPCServer, type TraceEvent } from "crosswire";
import { describe, expect, test } from "vitest";
import { inbox, nextWarning, until } from "../fixtures/wait.ts";
import { openClient, openPair, openServer, type PairOptions, WORKER } from "./pair.ts";

const toServer = IPCServer.defineMessage("messages/to-server");
const toClient = IPCClient.defineMessage("messages/to-client");
const news = IPCClient.defineMessage<string>("messages/news");

interface MessageWay {
  readonly send: (payload?: unknown) => void;
  readonly listen: (listener: (payload: unknown) => unknown) => () => void;
}

const WAYS = [
  {
    way: "a message to the server",
    open: async (options?: PairOptions): Promise<MessageWay> => {
      const { server, client } = await openPair(options);
      return {
        send: (payload) => client.sendMessage(toServer, payload),
        listen: (listener) => server.onMessage(toServer, (payload) => void listener(payload)),
      };
    },
  },
  {
    way: "a message to a client",
    open: async (options?: PairOptions): Promise<MessageWay> => {
      const { server, client } = await openPair(options);
      return {
        send: (payload) => server.sendMessage(WORKER, toClient, payload),
        listen: (listener) => client.onMessage(toClient, (payload) => void listener(payload)),
      };
    },
  },
];

describe.each(WAYS)("$way", ({ open }) => {
  test("arrives with its payload", async () => {
    const way = await open();
    const heard = inbox<unknown>();
    way.listen(heard.put);
    way.send({ file: "a.ts", żółć: "🦄" });
    expect(await heard.next()).toEqual({ file: "a.ts", żółć: "🦄" });
  });

  test("arrives without a payload", async () => {
    const way = await open();
    const heard = inbox<unknown>();
    way.listen((payload) => heard.put([payload]));
    way.send();
    expect(await heard.next()).toEqual([undefined]);
  });

  test("arrives as bytes when it is bytes", async () => {
    const way = await open();
    const heard = inbox<unknown>();
    way.listen(heard.put);
    way.send(new Uint8Array([1, 2, 255]));
    expect([...((await heard.next()) as Uint8Array)]).toEqual([1, 2, 255]);
  });

  test("keeps its place among ten thousand others, small and large", async () => {
    const way = await open();
    const heard: number[] = [];
    way.listen((payload) => {
      const n =
        payload instanceof Uint8Array
          ? new DataView(payload.buffer, payload.byteOffset).getUint32(0)
          : (payload as { n: number }).n;
      heard.push(n);
    });
    const count = 10_000;
    for (let n = 0; n < count; n++) way.send(payloadOf(n));
    await until(() => heard.length === count, "all messages");
    expect(heard.every((n, index) => n === index)).toBe(true);
  });

  test("reaches every listener", async () => {
    const way = await open();
    const heard = inbox<string>();
    way.listen((payload) => heard.put(`first ${String(payload)}`));
    way.listen((payload) => heard.put(`second ${String(payload)}`));
    way.send("x");
    expect([await heard.next(), await heard.next()]).toEqual(["first x", "second x"]);
  });

  test("reaches a listener no more after its undo", async () => {
    const way = await open();
    const heard = inbox<string>();
    const undo = way.listen(() => heard.put("undone"));
    way.listen(() => heard.put("kept"));
    undo();
    way.send();
    await heard.next();
    expect(heard.waiting).toEqual([]);
    way.send();
    expect(await heard.next()).toBe("kept");
  });

  test("is dropped, and seen in the trace, when nobody listens", async () => {
    const dropped = inbox<TraceEvent>();
    const trace = (event: TraceEvent): void => {
      if (event.event === "frame:dropped") dropped.put(event);
    };
    const way = await open({ server: { trace }, client: { trace } });
    way.send("into the void");
    expect(await dropped.next()).toMatchObject({
      type: "m",
      reason: expect.stringContaining("nobody listens") as string,
    });
  });

  test("reports a listener that throws, and reaches the others", async () => {
    const reports = inbox<[unknown, string]>();
    const onHandlerError = (error: unknown, where: string): void => reports.put([error, where]);
    const way = await open({ server: { onHandlerError }, client: { onHandlerError } });
    const heard = inbox<unknown>();
    const bug = new Error("a bug");
    way.listen(() => {
      throw bug;
    });
    way.listen(heard.put);
    way.send("x");
    const [error, where] = await reports.next();
    expect(error).toBe(bug);
    expect(where).toMatch(/message "messages\/to-/);
    expect(await heard.next()).toBe("x");
  });
});

test("an async listener that rejects is reported too", async () => {
  const reports = inbox<unknown>();
  const { server, client } = await openPair({ server: { onHandlerError: reports.put } });
  server.onMessage(toServer, async () => {
    await Promise.resolve();
    throw new Error("later");
  });
  client.sendMessage(toServer, 1);
  expect(await reports.next()).toMatchObject({ message: "later" });
});

test("without onHandlerError the bug of a listener becomes a process warning", async () => {
  const { server, client } = await openPair();
  const warning = nextWarning();
  server.onMessage(toServer, () => {
    throw new Error("unheard of");
  });
  client.sendMessage(toServer, 1);
  expect((await warning).message).toContain("unheard of");
});

test("a message cannot be sent before connect()", async () => {
  const server = await openServer();
  const client = new IPCClient(server.getPort());
  expect(() => client.sendMessage(toServer, 1)).toThrow(
    expect.objectContaining({ code: "XW_NOT_CONNECTED" }),
  );
});

test("a message that cannot be encoded throws where it is sent", async () => {
  const { client } = await openPair();
  expect(() => client.sendMessage(toServer, { big: 1n })).toThrow(/"big" is a BigInt/);
});

test("a broadcast reaches all clients and says how many", async () => {
  const { server, heard } = await openCrowd(["a", "b", "c"]);
  expect(server.broadcast(news, "all")).toBe(3);
  expect(await Promise.all([heard.next(), heard.next(), heard.next()])).toEqual(
    expect.arrayContaining(["a all", "b all", "c all"]),
  );
});

test("a broadcast reaches only the clients its filter wants", async () => {
  const { server, heard } = await openCrowd(["a", "b", "c"]);
  expect(server.broadcast(news, "some", ({ runtimeId }) => runtimeId !== "b")).toBe(2);
  server.sendMessage("b", news, "b's own");
  const got = [await heard.next(), await heard.next(), await heard.next()];
  expect(got.sort()).toEqual(["a some", "b b's own", "c some"]);
  expect(heard.waiting).toEqual([]);
});

test("a broadcast to nobody counts none", async () => {
  const server = await openServer();
  expect(server.broadcast(news, "hello?")).toBe(0);
});

test("a broadcast of bytes reaches all as bytes", async () => {
  const { server, client } = await openPair();
  const heard = inbox<unknown>();
  client.onMessage(toClient, (payload) => heard.put(payload));
  server.broadcast(toClient, new Uint8Array([7, 8]));
  expect([...((await heard.next()) as Uint8Array)]).toEqual([7, 8]);
});

async function openCrowd(ids: readonly string[]): Promise<{
  readonly server: Server;
  readonly heard: ReturnType<typeof inbox<string>>;
}> {
  const server = await openServer();
  const heard = inbox<string>();
  for (const id of ids) {
    const client = await openClient(server, id);
    client.onMessage(news, (text) => heard.put(`${id} ${text}`));
  }
  return { server, heard };
}

/** Every 100th is bytes and every 250th too large to share a frame with others. */
function payloadOf(n: number): unknown {
  if (n % 100 === 50) {
    const bytes = new Uint8Array(16);
    new DataView(bytes.buffer).setUint32(0, n);
    return bytes;
  }
  return n % 250 === 0 ? { n, padding: "x".repeat(20_000) } : { n };
}
