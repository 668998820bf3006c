// What can be watched, and through what. A sink looks like a node:diagnostics_channel Channel,
// so the pure layers publish to Node's channels without importing them.

export interface TraceEvents {
  "frame:in": { readonly peer: string; readonly bytes: number; readonly binary: boolean };
  "frame:out": { readonly peer: string; readonly bytes: number; readonly binary: boolean };
  "request:start": {
    readonly peer: string;
    readonly path: string;
    readonly id: number | string;
    readonly side: "caller" | "handler";
  };
  "request:end": {
    readonly peer: string;
    readonly path: string;
    readonly id: number | string;
    readonly side: "caller" | "handler";
    /** Absent when it went well. */
    readonly error?: unknown;
  };
  /** A frame that had no effect, and why: nothing is dropped silently. */
  "frame:dropped": { readonly peer: string; readonly type: string; readonly reason: string };
  /** A proxied request or WebSocket came. */
  "proxy:start": {
    readonly id: number;
    readonly kind: "http" | "websocket";
    readonly method: string;
    readonly path: string;
  };
  /** It is over. */
  "proxy:end": {
    readonly id: number;
    readonly kind: "http" | "websocket";
    readonly method: string;
    readonly path: string;
    readonly status: number;
    readonly durationMs: number;
    readonly bytesUp: number;
    readonly bytesDown: number;
    readonly app: string;
    readonly rule: string;
    readonly target: string;
    readonly heldMs?: number;
    readonly isFallback?: true;
    readonly error?: unknown;
  };
  "peer:open": { readonly peer: string };
  "peer:close": { readonly peer: string; readonly code: number; readonly reason: string };
}

export type TraceEventName = keyof TraceEvents;

/** One thing that happened, as a `trace` option receives it. */
export type TraceEvent = {
  [Name in TraceEventName]: { readonly event: Name } & TraceEvents[Name];
}[TraceEventName];

/** Receives everything that happens on a connection. What it throws becomes an uncaught exception. */
export type Trace = (event: TraceEvent) => void;

export interface TraceSink<Name extends TraceEventName> {
  readonly hasSubscribers: boolean;
  publish(event: TraceEvents[Name]): void;
}

export type TraceSinks = { readonly [Name in TraceEventName]: TraceSink<Name> };

export const TRACE_EVENTS: readonly TraceEventName[] = [
  "frame:in",
  "frame:out",
  "frame:dropped",
  "request:start",
  "request:end",
  "peer:open",
  "peer:close",
  "proxy:start",
  "proxy:end",
];

/** Sinks that hand every event to `trace`, and to `others` as well where somebody listens there. */
export function sinksFor(trace: Trace | undefined, others?: TraceSinks): TraceSinks {
  if (trace === undefined && others !== undefined) return others;
  const sinks = TRACE_EVENTS.map((event) => [event, sinkFor(event, trace, others?.[event])]);
  return Object.fromEntries(sinks) as TraceSinks;
}

function sinkFor(
  event: TraceEventName,
  trace: Trace | undefined,
  other: TraceSink<never> | undefined,
): TraceSink<never> {
  return {
    hasSubscribers: trace !== undefined,
    publish: (payload: object) => {
      callTrace(trace, { event, ...payload } as TraceEvent);
      if (other?.hasSubscribers === true) other.publish(payload as never);
    },
  };
}

/** A trace that throws must be noticed, but must not break the conversation it watches. */
function callTrace(trace: Trace | undefined, event: TraceEvent): void {
  try {
    trace?.(event);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
