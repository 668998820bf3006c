// From an HTTP upgrade that passed the gate to a connected client.

import type { Endpoint } from "../channel/endpoint.ts";
import type { IncomingMessage } from "node:http";
import { WebSocketServer } from "ws";
import type { Duplex } from "node:stream";
import { type Identity, PROTOCOL_VERSION } from "../channel/hello.ts";
import type { UpgradeHandler } from "../http/front.ts";
import { refuseUpgrade } from "../http/reply.ts";
import { PROTOCOL_HEADER } from "./own-traffic.ts";
import type { ClientInfo, ConnectedClient } from "./client-table.ts";
import { IPCSocket } from "./socket.ts";
import { FrameCache, WebSocketTransport } from "./websocket-transport.ts";

export interface Admission {
  readonly isOpen: () => boolean;
  /** Called when the WebSocket is open, before anything is known of the client. */
  readonly onArrival: (socket: IPCSocket) => void;
  /** Called when it ended before it said hello: nobody was told of it. */
  readonly onGone: (socket: IPCSocket) => void;
  /** Called when the client said hello, or at once for peers of the base protocol. */
  readonly onClient: (client: ConnectedClient) => void;
}

const MAX_RUNTIME_ID_LENGTH = 256;

export function acceptUpgrades(endpoint: Endpoint, admission: Admission): UpgradeHandler {
  const { limits } = endpoint;
  const sockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    // Compressing small messages on one machine is twenty times slower than sending them.
    perMessageDeflate: false,
    maxPayload: limits.maxFrameBytes,
    maxFragments: limits.maxFragments,
  });
  sockets.on("headers", (headers) => headers.push(`${PROTOCOL_HEADER}: ${PROTOCOL_VERSION}`));
  const frames = new FrameCache();
  let lastClient = 0;

  return (request, socket, head) => {
    const runtimeId = runtimeIdOf(request);
    const version = request.headers[PROTOCOL_HEADER];
    if (runtimeId === null)
      return refuse(
        socket,
        400,
        "XW_REFUSED",
        "the runtimeId is empty, too long or has control characters",
      );
    if (version !== undefined && version !== String(PROTOCOL_VERSION)) {
      return refuse(
        socket,
        426,
        "XW_VERSION",
        `this server speaks version ${PROTOCOL_VERSION} of the protocol`,
      );
    }
    if (!admission.isOpen()) {
      return refuse(
        socket,
        503,
        "XW_OVERLOADED",
        `the server is closing, or limits.maxClients (${limits.maxClients}) are connected`,
      );
    }
    sockets.handleUpgrade(request, socket, head, (ws) => {
      const clientId = `client-${++lastClient}`;
      const transport = new WebSocketTransport(ws, { limits, socket, frames });
      if (!endpoint.keepsAlive) transport.unref();
      admitClient(
        endpoint,
        transport,
        { clientId, runtimeId, saysHello: version !== undefined },
        admission,
      );
    });
  };
}

interface Arrival {
  readonly clientId: string;
  readonly runtimeId: string | undefined;
  readonly saysHello: boolean;
}

function admitClient(
  endpoint: Endpoint,
  transport: WebSocketTransport,
  arrival: Arrival,
  admission: Admission,
): void {
  const { clientId, runtimeId, saysHello } = arrival;
  const ids = runtimeId === undefined ? { clientId } : { clientId, runtimeId };
  const socket = new IPCSocket(transport, {
    endpoint,
    expectsHello: saysHello,
    answersHello: true,
    peer: `client ${JSON.stringify(runtimeId ?? clientId)}`,
    caller: ids,
  });
  admission.onArrival(socket);
  socket.channel.ready.then(
    (identity) => {
      const info = describeClient(ids, identity);
      admission.onClient({ info, socket });
    },
    () => admission.onGone(socket),
  );
}

/** Written field by field: a spread would give each client a hidden class of its own. */
function describeClient(
  ids: { readonly clientId: string; readonly runtimeId?: string },
  identity: Identity | undefined,
): ClientInfo {
  const info: { -readonly [Key in keyof ClientInfo]: ClientInfo[Key] } = {
    clientId: ids.clientId,
    connectedAt: Date.now(),
  };
  if (ids.runtimeId !== undefined) info.runtimeId = ids.runtimeId;
  if (identity?.pid !== undefined) info.pid = identity.pid;
  if (identity?.name !== undefined) info.name = identity.name;
  return info;
}

/** Undefined when none is given, null when it cannot be used. */
function runtimeIdOf(request: IncomingMessage): string | undefined | null {
  const query = (request.url ?? "").split("?", 2)[1] ?? "";
  const runtimeId = new URLSearchParams(query).get("runtimeId");
  if (runtimeId === null) return undefined;
  const isUsable =
    runtimeId !== "" && runtimeId.length <= MAX_RUNTIME_ID_LENGTH && !/\p{Cc}/u.test(runtimeId);
  return isUsable ? runtimeId : null;
}

function refuse(socket: Duplex, status: number, code: string, reason: string): void {
  refuseUpgrade(socket, { status, code, reason });
}
