// The body of an answer on its way to a client: says what goes by, when it is over, and whether all of it went.

export interface BodyEvents {
  readonly piece?: ((bytes: Uint8Array) => void) | undefined;
  /** Called once. */
  readonly over: (isWhole: boolean) => void;
}

export class OutgoingBody implements AsyncIterableIterator<Uint8Array> {
  #body: AsyncIterable<Uint8Array>;
  #source: AsyncIterator<Uint8Array> | undefined;
  #events: BodyEvents;
  #isOver = false;

  /** `body` is opened when somebody reads or discards this. */
  constructor(body: AsyncIterable<Uint8Array>, events: BodyEvents) {
    this.#body = body;
    this.#events = events;
  }

  get isBegun(): boolean {
    return this.#source !== undefined;
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    try {
      const next = await this.#open().next();
      if (next.done === true) this.#over(true);
      else this.#events.piece?.(next.value);
      return next;
    } catch (error) {
      this.#over(false);
      throw error;
    }
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    this.#over(false);
    await this.#open().return?.();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #open(): AsyncIterator<Uint8Array> {
    return (this.#source ??= this.#body[Symbol.asyncIterator]());
  }

  #over(isWhole: boolean): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#events.over(isWhole);
  }
}
