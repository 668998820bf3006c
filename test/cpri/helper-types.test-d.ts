// The types by which users write functions of their own around handlers.

import {
  http,
  HttpResponse,
  type RequestFunction,
  type ResolverArguments,
  setupRemoteServer,
  type WebSocketClient,
  type WebSocketConnectionListener,
  type WebSocketData,
  type WebSocketServer,
  ws,
} from "crosswire/cpri";
import { expectTypeOf, test } from "vitest";

test("a function that several resolvers share takes their arguments", () => {
  const idOf = ({ params }: ResolverArguments<{ id: string }>): string => params.id;
  const handler = http.get<{ id: string }>("*/users/:id", (context) =>
    HttpResponse.text(idOf(context)),
  );
  const fallback: RequestFunction = (request) =>
    request.url.endsWith("/") ? HttpResponse.text("home") : undefined;
  expectTypeOf(setupRemoteServer(handler, fallback).use).toBeFunction();
});

test("a function takes the sides of a WebSocket", () => {
  const greet = (client: WebSocketClient, text: WebSocketData): void => client.send(text);
  const relay = (server: WebSocketServer): void => server.connect();
  const listener: WebSocketConnectionListener = ({ client, server }) => {
    greet(client, "hello");
    relay(server);
  };
  expectTypeOf(ws.link("wss://example.com/*").addEventListener).toBeCallableWith(
    "connection",
    listener,
  );
});
