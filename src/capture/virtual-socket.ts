// A socket in memory, as its user sees it: what clients and servers read from a net.Socket, or from a TLSSocket, and
// ask of it. Where its bytes come from and go to is for those that extend it.

import { Duplex } from "node:stream";
import { nodeClock } from "../node/node-clock.ts";

/** Where a client believes to be connected to. */
export interface Place {
  readonly host: string;
  readonly port: number;
  /** Looks like TLS to its users; there are no keys, nothing leaves the process. */
  readonly isSecure: boolean;
}

const LOOPBACK = "127.0.0.1";
export const CLIENT_PORT = 65_535;

export abstract class VirtualSocket extends Duplex {
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
  #idle: NodeJS.Timeout | undefined;

  constructor(localPort: number, remotePort: number, allowHalfOpen: boolean) {
    super({ allowHalfOpen });
    this.localPort = localPort;
    this.remotePort = remotePort;
  }

  /** Tells those who wait for it. */
  connected(isSecure: boolean = "encrypted" in this): void {
    this.connecting = false;
    this.emit("connect");
    if (isSecure) this.emit("secureConnect");
    this.emit("ready");
  }

  /** From now on it looks like TLS. */
  protected secure(host: string): void {
    Object.assign(this, tlsFace(host));
  }

  protected received(chunk: Uint8Array): void {
    this.bytesRead += chunk.length;
    this.#idle?.refresh();
  }

  protected sent(chunk: Uint8Array): void {
    this.bytesWritten += chunk.length;
    this.#idle?.refresh();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#stopIdle();
    done(error);
  }

  resetAndDestroy(): this {
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
