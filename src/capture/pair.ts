// Two sockets in memory, joined: what one writes the other reads, with all ends of a real connection: FIN, RST,
// backpressure, idle timeout. The duplexPair of node:stream is none: there a destroy does not reach the other end.

import { AsyncResource } from "node:async_hooks";
import { Duplex } from "node:stream";
import { nodeClock } from "../node/node-clock.ts";
import { internal } from "./context.ts";
import { systemError } from "./network-error.ts";

// Captured, so that fake timers of a test do not stop it.
const { setImmediate } = globalThis;

type Callback = (error?: Error | null) => void;

export interface PairOptions {
  readonly host: string;
  readonly port: number;
  /** Looks like TLS to its users; there are no keys, nothing leaves the process. */
  readonly isSecure: boolean;
}

const LOOPBACK = "127.0.0.1";
const CLIENT_PORT = 65_535;

export class PairSocket extends Duplex {
  /** As of a net.Socket, until `connected()`. */
  connecting = false;
  timeout = 0;
  bytesRead = 0;
  bytesWritten = 0;
  readonly remoteAddress: string = LOOPBACK;
  readonly localAddress: string = LOOPBACK;
  readonly remoteFamily = "IPv4";
  readonly remotePort: number;
  readonly localPort: number;
  #peer: PairSocket | undefined;
  /** Called when our reader has room again: the peer's write is done then. */
  #heldWrite: Callback | undefined;
  #idle: NodeJS.Timeout | undefined;
  #isReset = false;
  /** Of whoever made this end. What comes over it happens there, and not where the other end wrote it. */
  #context = new AsyncResource("CrosswireSocket", { requireManualDestroy: true });

  private constructor(localPort: number, remotePort: number, allowHalfOpen: boolean) {
    super({ allowHalfOpen });
    this.localPort = localPort;
    this.remotePort = remotePort;
  }

  /**
   * Both ends. The client's belongs to whoever calls, the server's is our own. It may be half open: a request that has
   * ended still gets its answer.
   */
  static open({ host, port, isSecure }: PairOptions): { client: PairSocket; server: PairSocket } {
    const client = new PairSocket(CLIENT_PORT, port, false);
    const server = internal(() => new PairSocket(port, CLIENT_PORT, true));
    client.#peer = server;
    server.#peer = client;
    if (isSecure) for (const socket of [client, server]) Object.assign(socket, tlsFace(host));
    return { client, server };
  }

  /** One without another end, which never gets connected. */
  static unconnected(): PairSocket {
    const socket = new PairSocket(CLIENT_PORT, 0, false);
    socket.connecting = true;
    return socket;
  }

  /** Tells those who wait for it. */
  connected(isSecure: boolean = "encrypted" in this): void {
    this.connecting = false;
    this.emit("connect");
    if (isSecure) this.emit("secureConnect");
    this.emit("ready");
  }

  override _read(): void {
    const held = this.#heldWrite;
    this.#heldWrite = undefined;
    if (held !== undefined) this.#release(held);
  }

  override _write(chunk: Buffer, _encoding: string, done: Callback): void {
    this.bytesWritten += chunk.length;
    this.#idle?.refresh();
    const peer = this.#peer;
    if (peer === undefined) process.nextTick(done, systemError("EPIPE", "write"));
    // Not at once: what a reader throws is not for the writer to catch.
    else peer.#run(() => process.nextTick(() => peer.#receive(chunk, done)));
  }

  #receive(chunk: Buffer, done: Callback): void {
    if (this.destroyed || this.readableEnded) {
      return this.#release(done, systemError("EPIPE", "write"));
    }
    this.bytesRead += chunk.length;
    this.#idle?.refresh();
    // Before the push, which may call _read.
    this.#heldWrite = done;
    const wantsMore = chunk.length === 0 || this.push(chunk);
    if (!wantsMore || this.#heldWrite !== done) return;
    this.#heldWrite = undefined;
    this.#release(done);
  }

  /** Tells the other end that its write is over. */
  #release(done: Callback, error?: Error): void {
    const peer = this.#peer;
    if (peer !== undefined) peer.#run(() => done(error));
  }

  #run(callback: () => void): void {
    this.#context.runInAsyncScope(callback);
  }

  override _final(done: Callback): void {
    const peer = this.#peer;
    if (peer?.destroyed === false) peer.#run(() => peer.push(null));
    process.nextTick(done);
  }

  override _destroy(error: Error | null, done: Callback): void {
    this.#stopIdle();
    const held = this.#heldWrite;
    const peer = this.#peer;
    if (held !== undefined) process.nextTick(() => this.#release(held));
    // Never together with the last bytes: no network does that, and fetch of Node 20 to 24 then waits for ever.
    if (peer?.destroyed === false) setImmediate(() => peer.#run(() => this.#tellEnd(peer)));
    done(error);
  }

  /** A destroyed socket says FIN, unless it had said so before; only a reset one says RST. */
  #tellEnd(peer: PairSocket): void {
    if (peer.destroyed) return;
    if (this.#isReset) peer.destroy(systemError("ECONNRESET", "read"));
    else if (!peer.readableEnded && !this.writableFinished) peer.push(null);
  }

  resetAndDestroy(): this {
    this.#isReset = true;
    return this.destroy();
  }

  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once("finish", () => this.destroy());
  }

  setTimeout(ms: number, listener?: () => void): this {
    this.timeout = ms;
    this.#stopIdle();
    if (listener !== undefined) this[ms > 0 ? "once" : "off"]("timeout", listener);
    if (ms > 0 && !this.destroyed) {
      const timer = nodeClock.setTimer(() => this.emit("timeout"), ms) as NodeJS.Timeout;
      this.#idle = timer.unref();
    }
    return this;
  }

  #stopIdle(): void {
    if (this.#idle !== undefined) nodeClock.clearTimer(this.#idle);
    this.#idle = undefined;
  }

  // What else clients do with a socket, and what has no meaning here.
  setNoDelay(): this {
    return this;
  }
  setKeepAlive(): this {
    return this;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
  address(): object {
    return { address: this.localAddress, port: this.localPort, family: this.remoteFamily };
  }
}

/** What clients read from a TLS socket once it is secure. */
function tlsFace(host: string): object {
  const certificate = { subject: { CN: host }, issuer: {}, subjectaltname: `DNS:${host}` };
  return {
    encrypted: true,
    authorized: true,
    authorizationError: null,
    alpnProtocol: false,
    servername: host,
    getPeerCertificate: () => certificate,
    getPeerX509Certificate: () => undefined,
    getCipher: () => ({ name: "TLS_AES_128_GCM_SHA256", version: "TLSv1.3" }),
    getProtocol: () => "TLSv1.3",
    getSession: () => undefined,
    isSessionReused: () => false,
  };
}
