// crosswire/cpri: what one process sends is answered by another.

export { setupRemoteServer, setupServer } from "./setup.ts";
export type { AppServer, AppServerOptions, RemoteOptions } from "./app-server.ts";
export type {
  RemoteServer,
  RemoteServerOptions,
  RequestMatch,
  WaitOptions,
} from "./receiver/remote-server.ts";
export type { RemoteContext } from "./receiver/context.ts";
export type {
  ExceptionEvent,
  LifeCycle,
  LifeCycleEvents,
  LifeCycleName,
  RequestEvent,
  ResponseEvent,
} from "./receiver/life-cycle.ts";
export type { ListenOptions } from "./receiver/listening.ts";
export type { AttachedSender } from "./receiver/senders.ts";
export type { OnUnhandledRequest, UnhandledTools } from "./receiver/unhandled.ts";
export type { WhenUnattached } from "./sender/sender.ts";
export type {
  Handler,
  HandlerInput,
  HttpHandler,
  RequestFunction,
  WebSocketHandler,
} from "./handler.ts";
export { http } from "./handlers/http-handlers.ts";
export type { HttpResolver, PathParams, ResolverArguments } from "./handlers/resolver-context.ts";
export type { HandlerCall, HandlerOptions, RouteHandler } from "./handlers/route-handler.ts";
export { HttpResponse, type HttpResponseInit } from "./handlers/http-response.ts";
export { delay } from "./handlers/delay.ts";
export { networkError } from "./handlers/network-error.ts";
export { passthrough } from "./handlers/passthrough.ts";
export type { Pattern } from "./handlers/path-pattern.ts";
export {
  ws,
  type WebSocketConnectionListener,
  type WebSocketLink,
  type WebSocketLinkConnection,
} from "./handlers/websocket-link.ts";
export type { WebSocketData } from "./handlers/websocket-payload.ts";
export type { WebSocketClient, WebSocketServer } from "./handlers/websocket-sides.ts";
export type { Outcome, RequestPatch } from "../exchange/outcome.ts";
export { CpriIPC } from "./cpri-ipc.ts";
