// One connection through a chaos proxy: the client's socket, the target's, and a lane in each direction.

import type { Socket } from "node:net";
import { nodeClock } from "../../node/node-clock.ts";
import { Lane, reset } from "./lane.ts";
import type { LaneFaults } from "./faults.ts";
import type { Random } from "./seeded-random.ts";

/** A client that dials a target itself is told by its system when nobody answers; here it would wait for ever. */
const CONNECT_TIMEOUT_MS = 10_000;

export interface ByteCounts {
  toTarget: number;
  toClient: number;
}

export interface ChaosConnectionOptions {
  readonly faults: LaneFaults;
  readonly random: Random;
  /** Counted up with what is passed on. */
  readonly bytes: ByteCounts;
}

export class ChaosConnection {
  /** Resolves when both sockets are closed. */
  readonly closed: Promise<unknown>;
  #sockets: readonly [Socket, Socket];
  #toTarget: Lane;
  #toClient: Lane;

  constructor(client: Socket, target: Socket, options: ChaosConnectionOptions) {
    const { faults, random, bytes } = options;
    const onReset = (): void => this.cut();
    this.#sockets = [client, target];
    this.closed = Promise.all(this.#sockets.map(untilClosed));
    this.#toTarget = new Lane(client, target, {
      faults: faults.toTarget,
      random,
      onReset,
      onPassed: (count) => (bytes.toTarget += count),
    });
    this.#toClient = new Lane(target, client, {
      faults: faults.toClient,
      random,
      onReset,
      onPassed: (count) => (bytes.toClient += count),
    });
    boundConnecting(target);
  }

  setFaults({ toTarget, toClient }: LaneFaults): void {
    this.#toTarget.setFaults(toTarget);
    this.#toClient.setFaults(toClient);
  }

  /** A RST to both ends; what waits is lost. */
  cut(): void {
    this.#sockets.forEach(reset);
  }

  /** A FIN to both ends, behind what waits. */
  end(): void {
    this.#toTarget.end();
    this.#toClient.end();
  }
}

function untilClosed(socket: Socket): Promise<void> {
  return new Promise((resolve) => void socket.once("close", () => resolve()));
}

function boundConnecting(target: Socket): void {
  const giveUp = (): void => void target.destroy(new Error("The target did not answer in time."));
  const timer = nodeClock.setTimer(giveUp, CONNECT_TIMEOUT_MS);
  for (const event of ["connect", "close"]) {
    target.once(event, () => nodeClock.clearTimer(timer));
  }
}
