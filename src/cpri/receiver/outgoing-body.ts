// The body of an answer on its way to a client: says when it is over, and whether the client got all of it.

export class OutgoingBody implements AsyncIterableIterator<Uint8Array> {
  #source: AsyncIterator<Uint8Array>;
  #onOver: ((isWhole: boolean) => void) | undefined;

  /** `onOver` is called once. */
  constructor(body: AsyncIterable<Uint8Array>, onOver: (isWhole: boolean) => void) {
    this.#source = body[Symbol.asyncIterator]();
    this.#onOver = onOver;
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    try {
      const next = await this.#source.next();
      if (next.done === true) this.#over(true);
      return next;
    } catch (error) {
      this.#over(false);
      throw error;
    }
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    this.#over(false);
    await this.#source.return?.();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #over(isWhole: boolean): void {
    const onOver = this.#onOver;
    this.#onOver = undefined;
    onOver?.(isWhole);
  }
}
