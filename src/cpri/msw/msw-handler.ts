// What MSW calls a handler, as far as it is used here. No type of MSW is imported: the declarations of this package are
// read by people who do not have it.

import type { HandlerInput } from "../handler.ts";

/** `http.*`, `graphql.*` and `sse`. */
export interface MswRequestHandler {
  readonly info: { readonly header: string };
  isUsed: boolean;
  run(args: {
    readonly request: Request;
    readonly requestId: string;
    readonly resolutionContext: { readonly quiet: boolean };
  }): Promise<{ readonly response?: Response | undefined } | null>;
}

/** What `ws.link(…).addEventListener` and, in MSW 3, `subscription` return. */
export interface MswWebSocketHandler {
  readonly id: string;
  readonly kind: "websocket";
  /** A connection of ours has all that is asked of it, which the types of MSW cannot know. */
  run(connection: never, resolutionContext?: never): Promise<unknown>;
}

export type MswHandler = MswRequestHandler | MswWebSocketHandler;

/** What `use` takes: of MSW, or of Crosswire. */
export type MswHandlerInput = MswHandler | HandlerInput;

export function isMswRequestHandler(value: unknown): value is MswRequestHandler {
  const { info, run } = Object(value) as Partial<MswRequestHandler>;
  return typeof run === "function" && typeof info === "object" && info !== null;
}

export function isMswWebSocketHandler(value: unknown): value is MswWebSocketHandler {
  // Ours is of the same kind.
  const { kind, run } = Object(value) as Partial<MswWebSocketHandler>;
  return kind === "websocket" && typeof run === "function";
}
