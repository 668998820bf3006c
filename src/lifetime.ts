// Listeners: how they are registered, undone, and where their bugs go.

export type Undo = () => void;

/** Receives what a listener or message handler threw: there is no caller to tell, yet it must be seen. */
export type Report = (error: unknown, where: string) => void;

type Listener<Arguments extends unknown[]> = (...args: Arguments) => unknown;

/** Listeners of one kind of event. One listener's throw does not keep the others from hearing. */
export class Listeners<Arguments extends unknown[]> {
  #entries = new Set<{ readonly listener: Listener<Arguments> }>();
  #report: Report;
  #where: string;

  constructor(where: string, report: Report) {
    this.#where = where;
    this.#report = report;
  }

  /** Returns the undo. The same function added twice is two listeners. */
  add(listener: Listener<Arguments>): Undo {
    const entry = { listener };
    this.#entries.add(entry);
    return () => void this.#entries.delete(entry);
  }

  emit(...args: Arguments): void {
    for (const { listener } of [...this.#entries]) {
      try {
        const result = listener(...args);
        if (result instanceof Promise) result.catch((error) => this.#report(error, this.#where));
      } catch (error) {
        this.#report(error, this.#where);
      }
    }
  }
}
