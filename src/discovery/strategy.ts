// Which of several replicas gets the next request.

import type { Service } from "./service.ts";

export const STRATEGIES = ["round-robin", "first", "random", "least-connections"] as const;

/** `first` is the one that was registered first. Connections are those that go through the leader's proxy. */
export type Strategy = (typeof STRATEGIES)[number];

export class Balancer {
  #strategy: Strategy;
  /** By api: how many were chosen so far. */
  #turns = new Map<string, number>();
  /** By replica: open exchanges and WebSockets. */
  #open = new WeakMap<Service, number>();

  constructor(strategy: Strategy) {
    if (!STRATEGIES.includes(strategy))
      throw new TypeError(`strategy must be one of ${STRATEGIES.join(", ")}, not ${strategy}.`);
    this.#strategy = strategy;
  }

  choose(replicas: readonly Service[]): Service | undefined {
    const [first] = replicas;
    if (first === undefined || replicas.length === 1) return first;
    switch (this.#strategy) {
      case "first":
        return first;
      case "random":
        return replicas[Math.floor(Math.random() * replicas.length)];
      case "round-robin":
        return replicas[this.#nextTurn(first.api) % replicas.length];
      case "least-connections":
        return this.#leastOpen(first.api, replicas);
    }
  }

  /** Returns what is to be called when it is over. */
  opened(replica: Service): () => void {
    this.#open.set(replica, this.#openAt(replica) + 1);
    return () => void this.#open.set(replica, this.#openAt(replica) - 1);
  }

  /** Of an api that nobody serves any more. */
  forget(api: string): void {
    this.#turns.delete(api);
  }

  /** In turns among equals: else an idle crew would leave all the work to its first. */
  #leastOpen(api: string, replicas: readonly Service[]): Service | undefined {
    const least = Math.min(...replicas.map((replica) => this.#openAt(replica)));
    const idlest = replicas.filter((replica) => this.#openAt(replica) === least);
    return idlest[this.#nextTurn(api) % idlest.length];
  }

  #openAt(replica: Service): number {
    return this.#open.get(replica) ?? 0;
  }

  #nextTurn(api: string): number {
    const turn = this.#turns.get(api) ?? 0;
    this.#turns.set(api, turn + 1);
    return turn;
  }
}
