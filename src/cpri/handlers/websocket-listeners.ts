// Who listens to one side of a handled WebSocket. As with any EventTarget; but what a listener throws, or rejects with,
// goes to whoever wants to know and not to the process, and a handler can keep an event from the handlers after it.

import type { WebSocketMessageEvent, WebSocketStateEvent } from "./websocket-events.ts";

type SideEvent = WebSocketMessageEvent | WebSocketStateEvent;

export type SideListener<E> = ((event: E) => unknown) | { handleEvent(event: E): unknown };

export interface ListenOptions {
  readonly once?: boolean;
  readonly capture?: boolean;
  readonly passive?: boolean;
  readonly signal?: AbortSignal;
}

export class WebSocketListeners {
  #target: EventTarget = new EventTarget();
  #wrapped = new WeakMap<object, (event: Event) => void>();
  #currentHandler: () => number;
  #onError: (error: unknown) => void;
  /** Which handler stopped the event that is being told. */
  #stoppedBy: number | undefined;

  /** `currentHandler` numbers the handlers in the order in which they are asked. */
  constructor(currentHandler: () => number, onError: (error: unknown) => void) {
    this.#currentHandler = currentHandler;
    this.#onError = onError;
  }

  add(type: string, listener: SideListener<never>, options?: ListenOptions | boolean): void {
    const wrapped = this.#wrapped.get(listener) ?? this.#wrap(listener as SideListener<Event>);
    this.#wrapped.set(listener, wrapped);
    this.#target.addEventListener(type, wrapped, options);
  }

  remove(type: string, listener: SideListener<never>, options?: ListenOptions | boolean): void {
    const wrapped = this.#wrapped.get(listener);
    if (wrapped !== undefined) this.#target.removeEventListener(type, wrapped, options);
  }

  /** Whether nobody prevented it. */
  tell(event: SideEvent): boolean {
    this.#stoppedBy = undefined;
    this.#target.dispatchEvent(event);
    return !event.defaultPrevented;
  }

  #wrap(listener: SideListener<Event>): (event: Event) => void {
    const handler = this.#currentHandler();
    return (event) => {
      if (this.#stoppedBy !== undefined && this.#stoppedBy !== handler) return;
      try {
        const result =
          typeof listener === "function" ? listener(event) : listener.handleEvent(event);
        Promise.resolve(result).catch(this.#onError);
      } catch (error) {
        this.#onError(error);
      }
      if ((event as SideEvent).isStopped) this.#stoppedBy ??= handler;
    };
  }
}
