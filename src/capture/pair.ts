// Two sockets in memory, joined: what one writes the other reads, with all ends of a real connection: FIN, RST,
// backpressure, idle timeout. The duplexPair of node:stream is none: there a destroy does not reach the other end.

import { AsyncResource } from "node:async_hooks";
import { internal } from "./context.ts";
import { systemError } from "./network-error.ts";
import { CLIENT_PORT, type Place, VirtualSocket } from "./virtual-socket.ts";

// Captured, so that fake timers of a test do not stop it.
const { setImmediate } = globalThis;

type Callback = (error?: Error | null) => void;

export class PairSocket extends VirtualSocket {
  #peer: PairSocket | undefined;
  /** Called when our reader has room again: the peer's write is done then. */
  #heldWrite: Callback | undefined;
  #isReset = false;
  /** Of whoever made this end. What comes over it happens there, and not where the other end wrote it. */
  #context = new AsyncResource("CrosswireSocket", { requireManualDestroy: true });

  private constructor(localPort: number, remotePort: number, allowHalfOpen: boolean) {
    super(localPort, remotePort, allowHalfOpen);
  }

  /**
   * Both ends. The client's belongs to whoever calls, the server's is our own. It may be half open: a request that has
   * ended still gets its answer.
   */
  static open({ host, port, isSecure }: Place): { client: PairSocket; server: PairSocket } {
    const client = new PairSocket(CLIENT_PORT, port, false);
    const server = internal(() => new PairSocket(port, CLIENT_PORT, true));
    client.#peer = server;
    server.#peer = client;
    if (isSecure) for (const socket of [client, server]) socket.secure(host);
    return { client, server };
  }

  /** One without another end, which never gets connected. */
  static unconnected(): PairSocket {
    const socket = new PairSocket(CLIENT_PORT, 0, false);
    socket.connecting = true;
    return socket;
  }

  override _read(): void {
    const held = this.#heldWrite;
    this.#heldWrite = undefined;
    if (held !== undefined) this.#release(held);
  }

  override _write(chunk: Buffer, _encoding: string, done: Callback): void {
    this.sent(chunk);
    const peer = this.#peer;
    if (peer === undefined) process.nextTick(done, systemError("EPIPE", "write"));
    // Not at once: what a reader throws is not for the writer to catch.
    else peer.#run(() => process.nextTick(() => peer.#receive(chunk, done)));
  }

  #receive(chunk: Buffer, done: Callback): void {
    if (this.destroyed || this.readableEnded) {
      return this.#release(done, systemError("EPIPE", "write"));
    }
    this.received(chunk);
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
    const held = this.#heldWrite;
    const peer = this.#peer;
    if (held !== undefined) process.nextTick(() => this.#release(held));
    // Never together with the last bytes: no network does that, and fetch of Node 20 to 24 then waits for ever.
    if (peer?.destroyed === false) setImmediate(() => peer.#run(() => this.#tellEnd(peer)));
    super._destroy(error, done);
  }

  /** A destroyed socket says FIN, unless it had said so before; only a reset one says RST. */
  #tellEnd(peer: PairSocket): void {
    if (peer.destroyed) return;
    if (this.#isReset) peer.destroy(systemError("ECONNRESET", "read"));
    else if (!peer.readableEnded && !this.writableFinished) peer.push(null);
  }

  override resetAndDestroy(): this {
    this.#isReset = true;
    return super.resetAndDestroy();
  }
}
