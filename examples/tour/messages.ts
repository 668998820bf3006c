// Waiting for a message of one worker, in a line.

import { once, EventEmitter } from "node:events";
import type { IPCServer, IPCServerMessage } from "crosswire";

/** What the worker of this name sends next. Ask before it can send: what came earlier is not remembered. */
export async function nextMessage<Payload>(
  server: IPCServer,
  message: IPCServerMessage<Payload>,
  from: string,
): Promise<Payload> {
  const events = new EventEmitter();
  const undo = server.onMessage(message, (payload, { runtimeId = "" }) => {
    events.emit(runtimeId, payload);
  });
  const [payload] = await once(events, from);
  undo();
  return payload as Payload;
}
