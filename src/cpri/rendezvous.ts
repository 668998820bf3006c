// How senders and receivers of one name find each other: by notes in the runtime directory of their user. There is
// nobody in the middle, so nobody whose end would end the others. docs/decisions/0019 says why it is not a leader.

import { createHash, randomUUID } from "node:crypto";
import { groupName } from "../discovery/group.ts";
import type { Undo } from "../lifetime.ts";
import { isAlive } from "../node/process-state.ts";
import {
  listNotes,
  readNote,
  removeNote,
  watchNotes,
  writeNote,
} from "../node/runtime-directory.ts";

export interface SenderNote {
  readonly id: string;
  readonly pid: number;
  /** Of a worker thread, which may end though its process does not. */
  readonly isThread?: boolean;
}

export interface ReceiverNote extends SenderNote {
  readonly url: string;
  readonly token: string;
}

type Role = "sender" | "receiver";

/** Notes of this process: one listener for all of them. */
const announced = new Set<string>();
const removeAll = (): void => announced.forEach(removeNote);

export class Rendezvous {
  readonly name: string;
  #beginning: string;

  /** Without a name: CROSSWIRE_NAME, else the root of the workspace. Two projects never meet by accident. */
  constructor(name: string = groupName()) {
    this.name = name;
    this.#beginning = `cpri-${createHash("sha256").update(name).digest("hex").slice(0, 16)}`;
  }

  /** Leaves a note until the undo, or the end of the process. */
  announce(role: "sender", note: SenderNote): Undo;
  announce(role: "receiver", note: ReceiverNote): Undo;
  announce(role: Role, note: SenderNote): Undo {
    const file = this.#file(role, note.id);
    writeNote(file, JSON.stringify(note));
    if (announced.size === 0) process.on("exit", removeAll);
    announced.add(file);
    return () => {
      announced.delete(file);
      if (announced.size === 0) process.off("exit", removeAll);
      removeNote(file);
    };
  }

  senders(): SenderNote[] {
    return this.#notes("sender").filter(isSender);
  }

  receivers(): ReceiverNote[] {
    return this.#notes("receiver").filter(isReceiver);
  }

  /** Told when a receiver may have come or gone. */
  onReceivers(listener: () => void): Undo {
    const beginning = this.#file("receiver", "").replace(/\.json$/, "");
    return watchNotes((name) => {
      if (name.startsWith(beginning)) listener();
    });
  }

  /** Of one that did not come when it was waited for: it is not waited for again. */
  forget(role: Role, { id }: SenderNote): void {
    removeNote(this.#file(role, id));
  }

  /** Of living processes; what dead ones left is cleared away. */
  #notes(role: Role): unknown[] {
    return listNotes(this.#file(role, "").replace(/\.json$/, "")).flatMap((name) => {
      const note = parse(readNote(name));
      if (note !== undefined && isAlive(note.pid)) return [note];
      if (note !== undefined) removeNote(name);
      return [];
    });
  }

  #file(role: Role, id: string): string {
    return `${this.#beginning}-${role}-${id}.json`;
  }
}

export function newId(): string {
  return randomUUID();
}

function parse(text: string | undefined): SenderNote | undefined {
  try {
    const note: unknown = JSON.parse(text ?? "null");
    return isSender(note) ? note : undefined;
  } catch {
    return undefined; // Not what we write.
  }
}

function isSender(note: unknown): note is SenderNote {
  const { id, pid } = Object(note) as Partial<SenderNote>;
  return typeof id === "string" && typeof pid === "number";
}

function isReceiver(note: unknown): note is ReceiverNote {
  const { url, token } = Object(note) as Partial<ReceiverNote>;
  return isSender(note) && typeof url === "string" && typeof token === "string";
}
