// What is produced at one moment and read at another, in order, by one reader.

export class Queue<Item> implements AsyncIterable<Item> {
  #items: Item[] = [];
  #isEnded = false;
  #failure: { readonly error: unknown } | undefined;
  #wake: (() => void) | undefined;
  #onClosed: () => void;

  /** `onClosed` is called when the reader is gone. */
  constructor(onClosed: () => void = () => {}) {
    this.#onClosed = onClosed;
  }

  get length(): number {
    return this.#items.length;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** What comes after the end is nobody's. */
  put(item: Item): void {
    if (this.#isEnded) return;
    this.#items.push(item);
    this.#wake?.();
  }

  /** What is in it is read still. */
  end(): void {
    this.#isEnded = true;
    this.#wake?.();
  }

  /** What is in it is read still, and then this is thrown. */
  fail(error: unknown): void {
    if (!this.#isEnded) this.#failure = { error };
    this.end();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Item, void> {
    try {
      for (;;) {
        const items = this.#items;
        this.#items = [];
        yield* items;
        if (this.#items.length > 0) continue;
        if (this.#failure !== undefined) throw this.#failure.error;
        if (this.#isEnded) return;
        await new Promise<void>((resolve) => (this.#wake = resolve));
        this.#wake = undefined;
      }
    } finally {
      this.#isEnded = true;
      this.#onClosed();
    }
  }
}
