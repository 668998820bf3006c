// Where events go in Node: to node:diagnostics_channel as `crosswire:<event>`, and with NODE_DEBUG=crosswire to stderr.

import { channel, subscribe } from "node:diagnostics_channel";
import { debuglog } from "node:util";
import type { Report } from "../lifetime.ts";
import { sinksFor, type Trace, TRACE_EVENTS, type TraceSinks } from "../trace.ts";

let nodeSinks: TraceSinks | undefined;

/** Sinks for the `trace` option, if any, and for whoever subscribes to Node's channels. */
export function nodeTrace(trace: Trace | undefined): TraceSinks {
  nodeSinks ??= openChannels();
  return sinksFor(trace, nodeSinks);
}

/** A bug in a listener has no caller to go to: it becomes a process warning, seen but not fatal. */
export const warn: Report = (error, where) => {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.emitWarning(`${where} failed: ${text}`, { type: "CrosswireWarning" });
};

function openChannels(): TraceSinks {
  const log = debuglog("crosswire");
  if (log.enabled) {
    for (const event of TRACE_EVENTS)
      subscribe(`crosswire:${event}`, (payload) => log("%s %j", event, payload));
  }
  const sinks = TRACE_EVENTS.map((event) => [event, channel(`crosswire:${event}`)]);
  return Object.fromEntries(sinks) as TraceSinks;
}
