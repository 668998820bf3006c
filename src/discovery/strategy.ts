// Which of several replicas gets the next request.

import type { Service } from "./service.ts";

// Captured, so that a test's fake chance does not choose for us.
const { random } = Math;

export const STRATEGIES = ["round-robin", "first", "random", "least-connections"] as const;

/** `first` is the one that was registered first. Connections are those that go through the leader's proxy. */
export type Strategy = (typeof STRATEGIES)[number];

/** What a replica is chosen for. */
export type Purpose = "lookup" | "traffic";

export class Balancer {
  #strategy: Strategy;
  /** Each purpose has its own turns: else who looks up before each request would always meet the same replica. */
  #chosen: Readonly<Record<Purpose, WeakMap<Service, number>>> = {
    lookup: new WeakMap(),
    traffic: new WeakMap(),
  };
  #turn = 0;
  /** By replica: open exchanges and WebSockets. */
  #open = new WeakMap<Service, number>();

  constructor(strategy: Strategy) {
    if (!STRATEGIES.includes(strategy))
      throw new TypeError(`strategy must be one of ${STRATEGIES.join(", ")}, not ${strategy}.`);
    this.#strategy = strategy;
  }

  choose(replicas: readonly Service[], purpose: Purpose): Service | undefined {
    const [first] = replicas;
    if (first === undefined || replicas.length === 1) return first;
    switch (this.#strategy) {
      case "first":
        return first;
      case "random":
        return replicas[Math.floor(random() * replicas.length)];
      case "round-robin":
        return this.#nextInTurn(replicas, purpose);
      case "least-connections":
        return this.#leastOpen(replicas, purpose);
    }
  }

  /** Returns what is to be called when it is over. */
  opened(replica: Service): () => void {
    this.#open.set(replica, this.#openAt(replica) + 1);
    return () => void this.#open.set(replica, this.#openAt(replica) - 1);
  }

  /** In turns among equals: else an idle crew would leave all the work to its first. */
  #leastOpen(replicas: readonly Service[], purpose: Purpose): Service | undefined {
    const least = Math.min(...replicas.map((replica) => this.#openAt(replica)));
    const idlest = replicas.filter((replica) => this.#openAt(replica) === least);
    return this.#nextInTurn(idlest, purpose);
  }

  /** The one that was chosen longest ago: replicas may come and go between two turns. */
  #nextInTurn(replicas: readonly Service[], purpose: Purpose): Service | undefined {
    const chosen = this.#chosen[purpose];
    let next: Service | undefined;
    let longestAgo = Infinity;
    for (const replica of replicas) {
      const at = chosen.get(replica) ?? 0;
      if (at >= longestAgo) continue;
      next = replica;
      longestAgo = at;
    }
    if (next !== undefined) chosen.set(next, ++this.#turn);
    return next;
  }

  #openAt(replica: Service): number {
    return this.#open.get(replica) ?? 0;
  }
}
