// A connection with nobody at its other end: it takes a request unread, and gives an answer that is there as a whole.
// HOT: with a server behind a pair of sockets in its place, an exchange costs twice as much.

import { inNextTurn } from "./next-turn.ts";
import { CLIENT_PORT, type Place, VirtualSocket } from "./virtual-socket.ts";
import { bytesOf, type WholeAnswer } from "./whole-answer.ts";

export class AnsweringSocket extends VirtualSocket {
  #answer: WholeAnswer;
  #isAsked = false;
  #isGiven = false;
  #onAbandoned: () => void;

  /** `onAbandoned` is called when the client does not wait for the answer. */
  constructor({ host, port, isSecure }: Place, answer: WholeAnswer, onAbandoned: () => void) {
    super(CLIENT_PORT, port, false);
    this.#answer = answer;
    this.#onAbandoned = onAbandoned;
    if (isSecure) this.secure(host);
  }

  /** The first that comes is the head. The rest is thrown away, as by every server that has answered. */
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.sent(chunk);
    process.nextTick(done);
    if (this.#isAsked) return;
    this.#isAsked = true;
    inNextTurn(() => this.#give());
  }

  override _read(): void {}

  override _destroy(error: Error | null, done: () => void): void {
    super._destroy(error, done);
    if (!this.#isGiven) this.#onAbandoned();
  }

  #give(): void {
    if (this.destroyed) return;
    this.#isGiven = true;
    const bytes = bytesOf(this.#answer);
    this.received(bytes);
    this.push(bytes);
  }
}
