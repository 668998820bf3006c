// The floor: raw ws with the envelope that one would write by hand. No timeouts, types or errors.

import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { WebSocket, WebSocketServer } from "ws";
import type {
  BlobReceipt,
  Order,
  Peer,
  PeerClient,
  PeerServer,
  ServerState,
  Work,
} from "../peer.ts";

// On the wire: {"id":1,"method":"echo","params":…} and {"id":1,"result":…}; a note or tick has no
// id. A blob is its request as text, followed at once by one binary frame.
type Request =
  | { id: number; method: "echo"; params: unknown }
  | { id: number; method: "control"; params: Order }
  | { id: number; method: "blob" }
  | { method: "note"; params: unknown };
type Message = { id: number; result: unknown } | { method: "tick"; params: unknown };

export const peer: Peer = { serve, connect };

async function serve(work: Work): Promise<PeerServer> {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
  server.on("connection", (socket) => {
    let blobId = 0;
    socket.on("message", (data, isBinary) => {
      if (isBinary) return void answerBlob(work, socket, blobId, data as Buffer);
      const request = JSON.parse(String(data)) as Request;
      if (request.method === "blob") blobId = request.id;
      else void answer(work, socket, request);
    });
  });
  await once(server, "listening");
  return {
    address: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    broadcast: (payload) => {
      const text = JSON.stringify({ method: "tick", params: payload });
      for (const socket of server.clients) socket.send(text);
    },
  };
}

async function answer(
  work: Work,
  socket: WebSocket,
  request: Exclude<Request, { method: "blob" }>,
): Promise<void> {
  switch (request.method) {
    case "note":
      return work.note(request.params);
    case "echo":
      return reply(socket, request.id, await work.echo(request.params));
    case "control":
      return reply(socket, request.id, await work.control(request.params));
  }
}

async function answerBlob(work: Work, socket: WebSocket, id: number, bytes: Buffer): Promise<void> {
  reply(socket, id, await work.blob(bytes));
}

function reply(socket: WebSocket, id: number, result: unknown): void {
  socket.send(JSON.stringify({ id, result }));
}

async function connect(address: string): Promise<PeerClient> {
  const socket = new WebSocket(address, { perMessageDeflate: false });
  const client = new WsClient(socket);
  await once(socket, "open");
  return client;
}

class WsClient implements PeerClient {
  #socket: WebSocket;
  #lastId = 0;
  #pending = new Map<number, (result: unknown) => void>();
  #tickListener: ((payload: unknown) => void) | undefined;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data) => this.#receive(JSON.parse(String(data)) as Message));
  }

  echo(payload: unknown): Promise<unknown> {
    return this.#call("echo", payload);
  }

  control(order: Order): Promise<ServerState> {
    return this.#call("control", order) as Promise<ServerState>;
  }

  note(payload: unknown): void {
    this.#socket.send(JSON.stringify({ method: "note", params: payload }));
  }

  blob(bytes: Uint8Array): Promise<BlobReceipt> {
    const receipt = this.#call("blob", undefined);
    this.#socket.send(bytes);
    return receipt as Promise<BlobReceipt>;
  }

  onTick(listener: (payload: unknown) => void): void {
    this.#tickListener = listener;
  }

  async close(): Promise<void> {
    this.#socket.close();
    await once(this.#socket, "close");
  }

  #call(method: string, params: unknown): Promise<unknown> {
    const id = ++this.#lastId;
    return new Promise((resolve) => {
      this.#pending.set(id, resolve);
      this.#socket.send(JSON.stringify({ id, method, params }));
    });
  }

  #receive(message: Message): void {
    if ("method" in message) {
      this.#tickListener?.(message.params);
      return;
    }
    const resolve = this.#pending.get(message.id);
    this.#pending.delete(message.id);
    resolve?.(message.result);
  }
}
