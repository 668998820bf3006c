// What happens to the requests that a receiver is asked about, told in order to whoever listens. The names are those
// that users of MSW know.

import { Listeners, type Report, type Undo } from "../../lifetime.ts";

export interface RequestEvent {
  /** The same in all events of one request. */
  readonly requestId: string;
  /** A Request of its own for each access; its body is only sent here when somebody reads it. */
  readonly request: Request;
  /** Of the process that sent it. */
  readonly pid: number;
  readonly contextId?: string;
}

export interface ResponseEvent extends RequestEvent {
  /** What the client got. */
  readonly response: Response;
  /** From the application having it to the answer being decided. */
  readonly ms: number;
}

export interface ExceptionEvent extends RequestEvent {
  readonly error: unknown;
}

export interface LifeCycleEvents {
  "request:start": RequestEvent;
  /** A handler wants it. */
  "request:match": RequestEvent;
  /** No handler wants it, also none of the application's own. */
  "request:unhandled": RequestEvent;
  "request:end": RequestEvent;
  "response:mocked": ResponseEvent;
  "response:bypass": ResponseEvent;
  unhandledException: ExceptionEvent;
}

export type LifeCycleName = keyof LifeCycleEvents;

const NAMES: readonly LifeCycleName[] = [
  "request:start",
  "request:match",
  "request:unhandled",
  "request:end",
  "response:mocked",
  "response:bypass",
  "unhandledException",
];

type Lists = { readonly [Name in LifeCycleName]: Listeners<[LifeCycleEvents[Name]]> };
type Listener<Name extends LifeCycleName> = (event: LifeCycleEvents[Name]) => unknown;

interface Added {
  readonly name: LifeCycleName;
  readonly listener: unknown;
  readonly undo: Undo;
}

export class LifeCycle {
  #lists: Lists;
  #added = new Set<Added>();
  #onWatched: (isWatched: boolean) => void;

  /** `onWatched` is told when the first listener comes, and when the last one goes. */
  constructor(report: Report, onWatched: (isWatched: boolean) => void) {
    const lists = NAMES.map((name) => [name, new Listeners(`a listener of ${name}`, report)]);
    this.#lists = Object.fromEntries(lists) as Lists;
    this.#onWatched = onWatched;
  }

  /** Whether anybody listens to anything. */
  get isWatched(): boolean {
    return this.#added.size > 0;
  }

  /** Returns the undo. Requests that were sent before the senders know of it may be missing: `await remote.sync()`. */
  on<Name extends LifeCycleName>(name: Name, listener: Listener<Name>): Undo {
    return this.#add(name, listener, listener);
  }

  once<Name extends LifeCycleName>(name: Name, listener: Listener<Name>): Undo {
    const undo = this.#add(name, listener, (event) => {
      undo();
      return listener(event);
    });
    return undo;
  }

  removeListener<Name extends LifeCycleName>(name: Name, listener: Listener<Name>): void {
    this.#remove((added) => added.name === name && added.listener === listener);
  }

  /** Those of `name`, or of all events. */
  removeAllListeners(name?: LifeCycleName): void {
    this.#remove((added) => name === undefined || added.name === name);
  }

  emit<Name extends LifeCycleName>(name: Name, event: LifeCycleEvents[Name]): void {
    this.#lists[name].emit(event);
  }

  /** `given` is what it is removed by, `called` what is called. */
  #add<Name extends LifeCycleName>(name: Name, given: unknown, called: Listener<Name>): Undo {
    const list = this.#lists[name] as Listeners<[LifeCycleEvents[Name]]> | undefined;
    if (list === undefined) {
      throw new TypeError(
        `There is no event ${JSON.stringify(name)}; there are ${NAMES.join(", ")}.`,
      );
    }
    const remove = list.add(called);
    const undo = (): void => {
      if (!this.#added.delete(added)) return;
      remove();
      if (!this.isWatched) this.#onWatched(false);
    };
    const added: Added = { name, listener: given, undo };
    this.#added.add(added);
    if (this.#added.size === 1) this.#onWatched(true);
    return undo;
  }

  #remove(isMeant: (added: Added) => boolean): void {
    for (const added of [...this.#added].filter(isMeant)) added.undo();
  }
}
