// What an engine is driven with: a real front whose one surface gives everything to the engine, and answers as a
// proxy does where the engine had no response.

import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Socket } from "node:net";
import { onTestFinished } from "vitest";
import type { CrosswireError } from "../../src/errors.ts";
import {
  type ForwardOptions,
  type ProxyEngine,
  type ProxyOutcome,
  statusOf,
} from "../../src/http/engine/engine.ts";
import { parseTarget, type ProxyTarget } from "../../src/http/engine/target.ts";
import { Front, type Surface } from "../../src/http/front.ts";
import { Gate } from "../../src/http/gate.ts";
import { answerJson, type FrontReply, refuseUpgrade } from "../../src/http/reply.ts";
import { type Limits, resolveLimits } from "../../src/limits.ts";
import { portOf } from "../fixtures/strict-origin.ts";
import { type Inbox, inbox, until } from "../fixtures/wait.ts";

export interface EngineOptions {
  readonly limits?: Partial<Limits>;
  readonly trustForwarded?: boolean;
}

export type MakeEngine = (options?: EngineOptions) => ProxyEngine;

export interface FrontOptions extends EngineOptions {
  readonly forward?: ForwardOptions;
  /** Tried when the first target did not take the request. */
  readonly fallback?: string;
}

export interface ProxyFront {
  readonly port: number;
  readonly url: string;
  readonly engine: ProxyEngine;
  /** How the exchanges ended, in the order of their ends. */
  readonly outcomes: Inbox<ProxyOutcome>;
  /** Connections of clients that are open. */
  readonly clients: number;
  close(): Promise<void>;
}

/** Where requests go: a URL, a parsed target, or what a test decides for each. */
export type Destination = string | ProxyTarget | ((request: IncomingMessage) => ProxyTarget);

/** What the sections of the suite are written with. */
export interface Contract {
  /** One test, or an expected failure where the list says so. */
  readonly behaviour: (title: string, run: () => Promise<unknown>) => void;
  /** A front with a new engine; all of it is closed at the end of the test. */
  readonly open: (to: Destination, options?: FrontOptions) => Promise<ProxyFront>;
}

export async function openProxyFront(
  make: MakeEngine,
  to: Destination,
  { forward, fallback, ...engineOptions }: FrontOptions = {},
): Promise<ProxyFront> {
  const engine = make(engineOptions);
  const outcomes = inbox<ProxyOutcome>("the end of an exchange");
  const surface = new EngineSurface(engine, to, outcomes, forward, fallback);
  // As on a Unix socket: the Host says nothing about the way taken, and so needs no port.
  const gate = new Gate({ token: "-" }, () => undefined);
  const front = new Front(gate, resolveLimits(engineOptions.limits), [surface]);
  const sockets = new Set<Socket>();
  front.server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  const close = async (): Promise<void> => {
    await engine.close({ graceMs: 1 });
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => front.server.close(resolve));
  };
  onTestFinished(close);
  front.server.listen(0, "127.0.0.1");
  await until(front.server, "listening");
  const port = portOf(front.server);
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    engine,
    outcomes,
    get clients() {
      return sockets.size;
    },
    close,
  };
}

class EngineSurface implements Surface {
  readonly engine: ProxyEngine;
  readonly outcomes: Inbox<ProxyOutcome>;
  readonly forward: ForwardOptions | undefined;
  readonly targetOf: (request: IncomingMessage) => ProxyTarget;
  readonly fallback: ProxyTarget | undefined;

  constructor(
    engine: ProxyEngine,
    to: Destination,
    outcomes: Inbox<ProxyOutcome>,
    forward: ForwardOptions | undefined,
    fallback: string | undefined,
  ) {
    this.engine = engine;
    this.outcomes = outcomes;
    this.forward = forward;
    const target = typeof to === "string" ? parseTarget(to) : to;
    this.targetOf = typeof target === "function" ? target : () => target;
    this.fallback = fallback === undefined ? undefined : parseTarget(fallback);
  }

  answer: NonNullable<Surface["answer"]> = (request, response) => {
    const send = (target: ProxyTarget): Promise<ProxyOutcome> =>
      this.engine.request(request, response, target, this.forward);
    void this.#carry(request, send, (reply) => answerJson(response, reply));
    return true;
  };

  upgrade: NonNullable<Surface["upgrade"]> = (request, socket: Duplex, head) => {
    const send = (target: ProxyTarget): Promise<ProxyOutcome> =>
      this.engine.upgrade(request, socket, head, target, this.forward);
    void this.#carry(request, send, (reply) => refuseUpgrade(socket, reply));
    return true;
  };

  async #carry(
    request: IncomingMessage,
    send: (target: ProxyTarget) => Promise<ProxyOutcome>,
    answer: (reply: FrontReply) => void,
  ): Promise<void> {
    let outcome = await send(this.targetOf(request));
    if (this.fallback !== undefined && outcome.isUntouched === true) {
      outcome = await send(this.fallback);
    }
    this.outcomes.put(outcome);
    if (outcome.status === 0) answer(replyTo(outcome.failure));
  }
}

function replyTo(failure: CrosswireError | undefined): FrontReply {
  if (failure === undefined) throw new Error("An outcome without a response names no failure.");
  return { status: statusOf(failure), code: failure.code, reason: failure.message };
}
