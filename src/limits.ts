// Every number that bounds a wait, an input or a queue, with its default. docs/reference/limits.md tells each one's effect.

const KIB = 1024;
const MIB = 1024 * KIB;

export interface Limits {
  /** How long a call waits for its answer. Per call: `timeoutMs`. */
  readonly callTimeoutMs: number;
  /** How long `connect()` may take, from the first packet to the server's hello. */
  readonly connectTimeoutMs: number;
  /** How long a connected peer may take to say hello. */
  readonly helloTimeoutMs: number;
  /** How long `close()` waits for what is in flight, and then for the closing handshake. */
  readonly closeGraceMs: number;
  /** Silence after which a ping is sent. */
  readonly heartbeatQuietMs: number;
  /** Silence after a ping that proves the other side dead. */
  readonly heartbeatReplyMs: number;
  /** How long an HTTP client may take for its request head. */
  readonly headersTimeoutMs: number;
  /** The largest head of an HTTP request or response: its first line and its headers. */
  readonly maxHeadBytes: number;
  /** The largest body that an intercept gets parsed, after decompression. Streaming handlers have no such bound. */
  readonly maxBodyBytes: number;
  /** How long a proxy may take to connect to a target, TLS included. */
  readonly proxyConnectTimeoutMs: number;
  /** How long requests are held for an application that is starting, counted from when it was first found down. */
  readonly proxyHoldMs: number;
  /** How long a target may take for its response head, after it has the whole request. */
  readonly proxyHeadTimeoutMs: number;
  /** How long a target may take for its answer to a WebSocket handshake. Some servers never give one. */
  readonly proxyUpgradeTimeoutMs: number;
  /** How long a proxied exchange may stand still once its response has begun, or while its request is sent. Never applied to event streams. */
  readonly proxyIdleTimeoutMs: number;
  /** How long a proxied exchange may take as a whole. */
  readonly proxyTotalTimeoutMs: number;
  /** The largest request body that is passed on. */
  readonly maxProxiedBodyBytes: number;
  /** Connections to one target; further requests wait in line. */
  readonly maxTargetConnections: number;
  /** Requests that wait for a connection to one target; one more is answered with 503. */
  readonly maxTargetQueue: number;
  /** Idle connections kept for the next request, per target. */
  readonly maxIdleConnections: number;
  /** How long an idle connection to a target is kept. */
  readonly idleConnectionMs: number;
  /** Open WebSockets through one proxy; one more is answered with 503. */
  readonly maxTunnels: number;
  /** Silence in both directions after which a proxied WebSocket is closed. Dead peers are found by TCP keep-alive before. */
  readonly tunnelIdleMs: number;
  /** The largest frame accepted, and (told in the hello) the largest the other side may send. */
  readonly maxFrameBytes: number;
  /** WebSocket fragments one frame may come in. */
  readonly maxFragments: number;
  /** How deep JSON and rich values may nest. */
  readonly maxDepth: number;
  /** Calls waiting for an answer, per connection; one more is refused with XW_OVERLOADED. */
  readonly maxPendingCalls: number;
  /** Handlers running for one connection; one more is answered with XW_OVERLOADED. */
  readonly maxRunningCalls: number;
  /** Open streams per connection and direction. */
  readonly maxStreams: number;
  /** Unsent bytes per connection above which new sends get XW_OVERLOADED. */
  readonly softQueueBytes: number;
  /** Unsent bytes per connection above which the connection is closed. */
  readonly hardQueueBytes: number;
  /** Unread bytes a stream may hold before its producer has to wait. */
  readonly streamWindowBytes: number;
  /** Byte items are cut into pieces of this size, so that small calls slip in between. */
  readonly streamChunkBytes: number;
  /** Connected clients per server. */
  readonly maxClients: number;
  /** How long whoever holds the port of a discovery may take to say who it is. */
  readonly discoveryHandshakeMs: number;
  /** How long a new leader waits for the members of the one before, until it says of a service that it is not there. */
  readonly discoverySettleMs: number;
  /** Services that one discovery server knows; one more is refused with XW_LIMIT. */
  readonly maxServices: number;
  /** Remembered answers to calls with an `idempotencyKey`, per server or client. */
  readonly maxIdempotencyKeys: number;
  /** How long such an answer is remembered. */
  readonly idempotencyKeyMs: number;
}

export const DEFAULT_LIMITS: Limits = Object.freeze({
  callTimeoutMs: 10_000,
  connectTimeoutMs: 5_000,
  helloTimeoutMs: 5_000,
  closeGraceMs: 1_000,
  heartbeatQuietMs: 15_000,
  heartbeatReplyMs: 10_000,
  headersTimeoutMs: 10_000,
  maxHeadBytes: 32 * KIB,
  maxBodyBytes: 16 * MIB,
  proxyConnectTimeoutMs: 5_000,
  proxyHoldMs: 10_000,
  proxyHeadTimeoutMs: 120_000,
  proxyUpgradeTimeoutMs: 15_000,
  proxyIdleTimeoutMs: 120_000,
  proxyTotalTimeoutMs: Infinity,
  maxProxiedBodyBytes: Infinity,
  maxTargetConnections: 512,
  maxTargetQueue: 4_096,
  maxIdleConnections: 128,
  idleConnectionMs: 30_000,
  maxTunnels: 1_000,
  tunnelIdleMs: Infinity,
  maxFrameBytes: 16 * MIB,
  maxFragments: 4_096,
  maxDepth: 128,
  maxPendingCalls: 10_000,
  maxRunningCalls: 10_000,
  maxStreams: 1_000,
  softQueueBytes: 16 * MIB,
  hardQueueBytes: 64 * MIB,
  streamWindowBytes: 256 * KIB,
  streamChunkBytes: 64 * KIB,
  maxClients: 10_000,
  discoveryHandshakeMs: 1_000,
  discoverySettleMs: 500,
  maxServices: 10_000,
  maxIdempotencyKeys: 10_000,
  idempotencyKeyMs: 600_000,
});

/** The defaults with `overrides` laid over them. A wrong name or number is a programming error: TypeError. */
export function resolveLimits(overrides: Partial<Limits> = {}): Limits {
  for (const [name, value] of Object.entries(overrides)) {
    if (!Object.hasOwn(DEFAULT_LIMITS, name)) {
      throw new TypeError(
        `limits.${name} does not exist; known: ${Object.keys(DEFAULT_LIMITS).join(", ")}.`,
      );
    }
    if (value !== undefined) assertPositive(`limits.${name}`, value);
  }
  const given = Object.entries(overrides).filter(([, value]) => value !== undefined);
  const limits: Limits = { ...DEFAULT_LIMITS, ...Object.fromEntries(given) };
  if (limits.hardQueueBytes < limits.softQueueBytes) {
    throw new TypeError("limits.hardQueueBytes must not be below limits.softQueueBytes.");
  }
  return limits;
}

/** Throws TypeError for what is no timeout and no size: those are positive numbers, and Infinity switches a bound off on purpose. */
export function assertPositive(name: string, value: unknown): void {
  if (typeof value !== "number" || !(value > 0)) {
    throw new TypeError(`${name} must be a number above 0, but is ${String(value)}.`);
  }
}
