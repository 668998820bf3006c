// A TCP proxy that behaves like a bad network: late, narrow, sliced, silent, cut, or wrong by one bit.
// Knows nothing of what it carries.

import { randomInt } from "node:crypto";
import { connect, createServer, type Server, type Socket } from "node:net";
import { CrosswireError } from "../../errors.ts";
import { LOOPBACK } from "../../http/listener.ts";
import { warn } from "../../node/diagnostics.ts";
import { type ByteCounts, ChaosConnection } from "./chaos-connection.ts";
import { type Faults, readFaults, toLaneFaults } from "./faults.ts";
import { reset } from "./lane.ts";
import { seededRandom } from "./seeded-random.ts";
import { type ChaosTarget, readTarget } from "./target.ts";

/** The faults from the start on, and where to listen. */
export interface ChaosOptions extends Faults {
  /** Where to listen on 127.0.0.1; 0, the default, is any free port. */
  readonly port?: number;
  /** Decides every random choice; without one, another at each start. */
  readonly seed?: number;
}

export interface ChaosProxy extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** Give it to `createChaosProxy` to have the same slices, delays and wrong bits once more. */
  readonly seed: number;
  /** Connections that are open now. */
  readonly connections: number;
  /** What was passed on until now. */
  readonly bytes: Readonly<ByteCounts>;
  /** Assign other faults at any time; they hold at once. `{}` is a good network. Throws TypeError for what is no fault. */
  faults: Faults;
  /** `url` with host and port of this proxy: what a program under test is given instead. */
  urlFor(url: string | URL): string;
  /** Cuts every connection with a RST; new ones are accepted. */
  cut(): void;
  /** Ends every connection with a FIN to both ends, behind what waits; new ones are accepted. */
  end(): void;
  /** Cuts every connection and stops listening. Resolves when nothing is left. */
  close(): Promise<void>;
}

/**
 * A bad network before `target`. Resolves when it listens.
 *
 * Rejects with XW_LISTEN when the port is taken. Throws TypeError for options that are wrong.
 *
 * @example
 * const proxy = await createChaosProxy(5432, { latencyMs: 100, jitterMs: 50 });
 * const client = new Client({ host: proxy.host, port: proxy.port });
 */
export function createChaosProxy(
  target: ChaosTarget,
  options: ChaosOptions = {},
): Promise<ChaosProxy> {
  const { port = 0, seed = randomInt(2 ** 32), ...faults } = options;
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new TypeError(`port must be a whole number from 0 to 65535, but is ${String(port)}.`);
  }
  if (!Number.isSafeInteger(seed)) {
    throw new TypeError(`seed must be a whole number, but is ${String(seed)}.`);
  }
  return new ListeningProxy(readTarget(target), seed, readFaults(faults)).listen(port);
}

class ListeningProxy implements ChaosProxy {
  readonly host: string = LOOPBACK;
  readonly seed: number;
  readonly bytes: ByteCounts = { toTarget: 0, toClient: 0 };
  #port = 0;
  #faults: Faults;
  #connections = new Set<ChaosConnection>();
  #listener: Server;
  #closing: Promise<void> | undefined;

  constructor(askTarget: ReturnType<typeof readTarget>, seed: number, faults: Faults) {
    const random = seededRandom(seed);
    this.seed = seed;
    this.#faults = faults;
    this.#listener = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
      const address = this.#faults.refuse === true ? undefined : ask(askTarget);
      if (address === undefined) return refuse(client);
      const target = connect({ ...address, allowHalfOpen: true, noDelay: true });
      const laneFaults = toLaneFaults(this.#faults);
      const { bytes } = this;
      this.#add(new ChaosConnection(client, target, { faults: laneFaults, random, bytes }));
    });
  }

  get port(): number {
    return this.#port;
  }

  get connections(): number {
    return this.#connections.size;
  }

  get faults(): Faults {
    return this.#faults;
  }

  set faults(faults: Faults) {
    this.#faults = readFaults(faults);
    const laneFaults = toLaneFaults(this.#faults);
    for (const connection of this.#connections) connection.setFaults(laneFaults);
  }

  urlFor(url: string | URL): string {
    const changed = new URL(url);
    changed.hostname = this.host;
    changed.port = String(this.port);
    return changed.href;
  }

  cut(): void {
    for (const connection of this.#connections) connection.cut();
  }

  end(): void {
    for (const connection of this.#connections) connection.end();
  }

  close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** @internal */
  listen(port: number): Promise<this> {
    return new Promise((resolve, reject) => {
      this.#listener.on("error", (cause) => reject(cannotListen(port, cause)));
      // Exclusive: under node:cluster two workers would otherwise share the port.
      this.#listener.listen({ port, host: this.host, exclusive: true }, () => {
        const address = this.#listener.address();
        if (typeof address === "object" && address !== null) this.#port = address.port;
        resolve(this);
      });
    });
  }

  #add(connection: ChaosConnection): void {
    this.#connections.add(connection);
    void connection.closed.then(() => this.#connections.delete(connection));
  }

  async #closeAll(): Promise<void> {
    const stopped = new Promise((resolve) => this.#listener.close(resolve));
    const closed = [...this.#connections].map((connection) => connection.closed);
    this.cut();
    await Promise.all([stopped, ...closed]);
  }
}

/** A target that cannot be told is a bug of the test, but there is no caller to go to. */
function ask(askTarget: ReturnType<typeof readTarget>): ReturnType<typeof askTarget> {
  try {
    return askTarget();
  } catch (error) {
    warn(error, "The target function of a chaos proxy");
    return undefined;
  }
}

/** The nearest that a proxy has to a refused connection, which it has accepted already. */
function refuse(client: Socket): void {
  client.on("error", () => {});
  reset(client);
}

function cannotListen(port: number, cause: Error): CrosswireError {
  const text = `The chaos proxy cannot listen on ${LOOPBACK}:${port}: ${cause.message}. Leave the port out to get a free one.`;
  return new CrosswireError("XW_LISTEN", text, { cause });
}
