// Who leads next: the member that has followed for longest. The leader keeps the order, and names the first.

export class Succession {
  /** In the order in which they joined; a member that joins again keeps its place. */
  #line = new Set<string>();
  #tell: (successor: string | null) => void;

  /** `tell` is called when the successor leaves. Whoever joins later has it in the answer. */
  constructor(tell: (successor: string | null) => void) {
    this.#tell = tell;
  }

  /** The instanceId of the successor. */
  get successor(): string | undefined {
    const [first] = this.#line;
    return first;
  }

  joined(id: string): void {
    this.#line.add(id);
  }

  left(id: string): void {
    const wasNext = id === this.successor;
    this.#line.delete(id);
    if (wasNext) this.#tell(this.successor ?? null);
  }
}
