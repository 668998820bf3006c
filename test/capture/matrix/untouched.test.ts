// What is no exchange over HTTP/1 is never asked about, and runs through functions that nobody has replaced.

import dns from "node:dns";
import http2 from "node:http2";
import net from "node:net";
import { text } from "node:stream/consumers";
import tls from "node:tls";
import * as grpc from "@grpc/grpc-js";
import pg from "pg";
import { afterEach, beforeEach, expect, onTestFinished, test } from "vitest";
import { CA, credentials } from "../../engine/http-origin.ts";
import { portOf } from "../../fixtures/strict-origin.ts";
import { until } from "../../fixtures/wait.ts";
import { capture, respond, type TestCapture } from "../world.ts";

let captured!: TestCapture;

beforeEach(() => {
  captured = capture(() => respond("answered"), { decideWebSocket: () => respond("answered") });
});

afterEach(() => expect(captured.asked).toEqual([]));

type Listening = Pick<net.Server, "listen" | "close" | "address"> & NodeJS.EventEmitter;

async function listening(server: Listening): Promise<number> {
  server.listen(0, "127.0.0.1");
  await until(server, "listening");
  onTestFinished(() => void server.close());
  return portOf(server as net.Server);
}

test("every function of net, tls, http2 and dns is the one it was", async () => {
  await captured.close();
  const owners = [net, tls, http2, dns, dns.promises, net.Socket, net.Server, tls.TLSSocket];
  const look = (): unknown[] =>
    [...owners, ...owners.map((owner) => (owner as { prototype?: object }).prototype ?? {})]
      .flatMap((owner) => Reflect.ownKeys(owner).map((key) => [owner, key] as const))
      .flatMap(([owner, key]) => {
        const { value, get, set } = Object.getOwnPropertyDescriptor(owner, key) ?? {};
        return [key, value, get, set] as unknown[];
      });
  const before = look();
  capture(() => respond("answered"));
  const during = look();
  expect(during.length).toBe(before.length);
  expect(during.filter((value, i) => !Object.is(value, before[i]))).toEqual([]);
});

test.each(["h2c", "TLS"])("HTTP/2 by %s", async (how) => {
  const answer = (_: unknown, response: http2.Http2ServerResponse): void => {
    response.end("two");
  };
  const server =
    how === "TLS"
      ? http2.createSecureServer(credentials("localhost"), answer)
      : http2.createServer(answer);
  const port = await listening(server);
  const session = http2.connect(`http${how === "TLS" ? "s" : ""}://localhost:${port}`, {
    ca: CA,
    lookup: (_host, _options, done) =>
      done(null, [{ address: "127.0.0.1", family: 4 }] as never, 4),
  });
  onTestFinished(() => session.destroy());
  expect(await text(session.request({ ":path": "/" }))).toBe("two");
});

test("a server that speaks first, by TCP and by TLS", async () => {
  const greet = (socket: net.Socket): void => {
    socket.write("220 hello\r\n");
    socket.once("data", (line) => socket.end(`250 ${line.toString()}`));
  };
  const plain = await listening(net.createServer(greet));
  const secure = await listening(tls.createServer(credentials("localhost"), greet));
  const sockets = [
    net.connect(plain, "127.0.0.1"),
    tls.connect({ port: secure, host: "127.0.0.1", servername: "localhost", ca: CA }),
  ];
  for (const socket of sockets) {
    const all = text(socket);
    await until(() => socket.bytesRead > 0, "the greeting");
    socket.write("EHLO");
    expect(await all).toBe("220 hello\r\n250 EHLO");
  }
});

const toBytes = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const fromBytes = (bytes: Buffer): string => JSON.parse(bytes.toString()) as string;
const method = (path: string, responseStream: boolean): grpc.MethodDefinition<string, string> => ({
  path,
  requestStream: responseStream,
  responseStream,
  requestSerialize: toBytes,
  requestDeserialize: fromBytes,
  responseSerialize: toBytes,
  responseDeserialize: fromBytes,
});
const SERVICE = { once: method("/echo/once", false), all: method("/echo/all", true) };

async function openGrpcServer(): Promise<number> {
  const server = new grpc.Server();
  server.addService(SERVICE, {
    once: (call: grpc.ServerUnaryCall<string, string>, done: grpc.sendUnaryData<string>) =>
      done(null, `once ${call.request}`),
    all: (call: grpc.ServerDuplexStream<string, string>) => {
      call.on("data", (value: string) => call.write(`all ${value}`));
      call.on("end", () => call.end());
    },
  });
  onTestFinished(() => server.forceShutdown());
  return new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(port);
      else reject(error);
    });
  });
}

test("gRPC: one call, and a stream of them both ways", async () => {
  const port = await openGrpcServer();
  const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
  onTestFinished(() => client.close());
  const { once, all } = SERVICE;
  const answer = await new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      once.path,
      once.requestSerialize,
      once.responseDeserialize,
      "a",
      (error, value) => (error === null ? resolve(value) : reject(error)),
    );
  });
  expect(answer).toBe("once a");
  const stream = client.makeBidiStreamRequest(
    all.path,
    all.requestSerialize,
    all.responseDeserialize,
  );
  for (const value of ["b", "c"]) stream.write(value);
  stream.end();
  const answers: unknown[] = [];
  for await (const value of stream) answers.push(value);
  expect(answers).toEqual(["all b", "all c"]);
});

/** A message of Postgres: its kind, its length, what it says. */
function message(kind: string, ...parts: (string | readonly number[])[]): Buffer {
  const said = Buffer.concat(parts.map((part) => Buffer.from(part as string)));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(said.length + 4);
  return Buffer.concat([Buffer.from(kind), length, said]);
}

const READY = message("Z", "I");
const ROW = [
  message(
    "T",
    [0, 1],
    "one\0",
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 25, 255, 255, 255, 255, 255, 255, 0, 0],
  ),
  message("D", [0, 1, 0, 0, 0, 5], "first"),
  message("C", "SELECT 1\0"),
  READY,
];

/** As much of a database as one query needs. */
function serveOneRow(socket: net.Socket): void {
  socket.once("data", () => {
    socket.write(Buffer.concat([message("R", [0, 0, 0, 0]), READY]));
    socket.once("data", () => socket.write(Buffer.concat(ROW)));
  });
}

test("a query of a database", async () => {
  const port = await listening(net.createServer(serveOneRow));
  const client = new pg.Client({ host: "127.0.0.1", port, user: "u", database: "d" });
  await client.connect();
  const { rows } = await client.query("SELECT 1");
  expect(rows).toEqual([{ one: "first" }]);
  await client.end();
});
