// What lives and ends: undo lists, listener lists, and where the bugs of a listener go.

export type Undo = () => void;

/** Receives what a listener or message handler threw: there is no caller to tell, yet it must be seen. */
export type Report = (error: unknown, where: string) => void;

/** Undo in reverse: each step that opens something leaves its closing here, next to the opening. */
export class Lifetime {
  #undos: Undo[] = [];

  own(undo: Undo): void {
    this.#undos.push(undo);
  }

  /** Runs every undo once, latest first. */
  end(): void {
    for (let undo = this.#undos.pop(); undo !== undefined; undo = this.#undos.pop()) undo();
  }
}

/** Listeners of one kind of event. One listener's throw does not keep the others from hearing. */
export class Listeners<Arguments extends unknown[]> {
  #entries = new Set<{ readonly listener: (...args: Arguments) => void }>();
  #report: Report;
  #where: string;

  constructor(where: string, report: Report) {
    this.#where = where;
    this.#report = report;
  }

  /** Returns the undo. The same function added twice is two listeners. */
  add(listener: (...args: Arguments) => void): Undo {
    const entry = { listener };
    this.#entries.add(entry);
    return () => void this.#entries.delete(entry);
  }

  emit(...args: Arguments): void {
    for (const { listener } of [...this.#entries]) {
      try {
        const result: unknown = listener(...args);
        if (result instanceof Promise) result.catch((error) => this.#report(error, this.#where));
      } catch (error) {
        this.#report(error, this.#where);
      }
    }
  }
}
