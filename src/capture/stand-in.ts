// What a request shows as its socket while it is decided for long. There are clients (axios is one) whose timeouts
// begin with the socket: without one, a decision that never comes would never time out.

import type { EventEmitter } from "node:events";
import { PairSocket } from "./pair.ts";

/** What a socket tells of itself. */
const EVENTS = ["lookup", "connect", "secureConnect", "ready", "timeout"] as const;

interface RealSocket extends EventEmitter {
  readonly connecting: boolean;
  readonly encrypted?: boolean;
  setTimeout(ms: number): unknown;
  destroy(error?: Error): unknown;
}

export class StandIn {
  readonly socket: PairSocket = PairSocket.unconnected();

  /** `onDestroy` is called when its user has had enough, before it follows another socket. */
  constructor(onDestroy: (error: Error | undefined) => void) {
    let failure: Error | undefined;
    this.socket.on("error", (error) => (failure = error));
    this.socket.once("close", () => onDestroy(failure));
  }

  /** Shows what happens to the socket that `request` has in the end, and passes on what is asked of it. */
  follow(real: RealSocket, request: EventEmitter): void {
    const { socket } = this;
    const relays = EVENTS.map((event) => (...args: unknown[]) => {
      if (event === "connect") socket.connecting = false;
      socket.emit(event, ...args);
    });
    EVENTS.forEach((event, i) => real.on(event, relays[i] as () => void));
    const destroyReal = (): void => void real.destroy();
    socket.once("close", destroyReal);
    // The real one may serve the next request by then.
    request.once("close", () => {
      EVENTS.forEach((event, i) => real.off(event, relays[i] as () => void));
      socket.off("close", destroyReal).destroy();
    });
    this.#passTimeoutsOn(real);
    if (!real.connecting) process.nextTick(() => socket.connected(real.encrypted === true));
  }

  #passTimeoutsOn(real: RealSocket): void {
    const { socket } = this;
    if (socket.timeout > 0) real.setTimeout(socket.timeout);
    socket.setTimeout(0);
    socket.setTimeout = (ms, listener) => {
      if (listener !== undefined) socket.once("timeout", listener);
      real.setTimeout(ms);
      return socket;
    };
  }
}
