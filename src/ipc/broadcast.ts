// One message to many clients: it is encoded once, and whoever cannot take it keeps nobody else from hearing it.

import { isCrosswireError } from "../errors.ts";
import type { Definition } from "../wire/definition.ts";
import { encodePayload } from "../wire/payload.ts";
import type { ClientInfo, ConnectedClient } from "./client-table.ts";

/** To how many it was sent. */
export function broadcast(
  clients: Iterable<ConnectedClient>,
  { path, codec }: Definition,
  payload: unknown,
  maxDepth: number,
  filter: ((client: ClientInfo) => boolean) | undefined,
): number {
  const body = encodePayload(payload, codec, maxDepth);
  let sent = 0;
  for (const { info, socket } of clients) {
    if (filter?.(info) === false) continue;
    // One client may be slow or about to leave.
    if (trySend(() => socket.channel.caller.encodedMessage(path, body))) sent++;
  }
  return sent;
}

function trySend(send: () => void): boolean {
  try {
    send();
    return true;
  } catch (error) {
    if (isCrosswireError(error)) return false;
    throw error;
  }
}
