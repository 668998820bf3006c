// The root export: typed IPC between processes of one machine, its errors and its limits.

export { IPCServer } from "./ipc/server.ts";
export type { IPCServerOptions } from "./ipc/server-options.ts";
export { IPCClient, type IPCClientOptions } from "./ipc/client.ts";
export { IPCSocket, type IPCSocketOptions, type SharedOptions } from "./ipc/socket.ts";
export type { ClientInfo } from "./ipc/client-table.ts";
export type { Loss } from "./ipc/connection.ts";
export type { Connector } from "./ipc/connector.ts";
export type { ReconnectOptions } from "./ipc/reconnect.ts";

export {
  CrosswireError,
  type CrosswireErrorOptions,
  ERROR_TEXT,
  type ErrorCode,
  isCrosswireError,
} from "./errors.ts";
export type { RemoteDetail } from "./wire/remote-error.ts";
export { DEFAULT_LIMITS, type Limits } from "./limits.ts";
export type { Trace, TraceEvent, TraceEventName, TraceEvents } from "./trace.ts";
export type { Report, Undo } from "./lifetime.ts";

export type { CallContext } from "./channel/call-context.ts";
export type { CallOptions } from "./channel/caller.ts";
export type { ItemStream, StreamOptions } from "./channel/opened-streams.ts";
export type { Signal } from "./channel/abort.ts";
export { createMemoryPair } from "./channel/memory-transport.ts";
export { createPortTransport, type PortLike } from "./channel/port-transport.ts";
export type {
  CloseReason,
  IncomingFrame,
  OutgoingFrame,
  Transport,
  TransportEvents,
} from "./channel/transport.ts";
export type { BinaryFrame } from "./wire/binary-frame.ts";

export type {
  DefinitionOptions,
  IPCClientMessage,
  IPCClientRequest,
  IPCClientStream,
  IPCServerMessage,
  IPCServerRequest,
  IPCServerStream,
} from "./wire/definition-types.ts";
export type { Codec } from "./wire/payload.ts";
export type { StandardSchema } from "./wire/schema.ts";
