// There is one sender in a process, whoever wants one: the preloaded one, a server in the code, or both. Two would ask
// each other for ever. Other copies of this package find it too.

import type { OwnHandlers, SenderOptions } from "./sender.ts";
import { Sender } from "./sender.ts";

const KEY: unique symbol = Symbol.for("crosswire.sender") as never;
const shared = globalThis as { [KEY]?: { readonly sender: Sender; users: number } };

export interface Part {
  /** Whether receivers are to be looked for. */
  readonly isRemote: boolean;
  readonly own?: OwnHandlers;
}

/** Starts the sender of this process, or joins the one that is there. Returns how to leave it; the last one ends it. */
export function joinSender(options: SenderOptions, { isRemote, own }: Part): () => Promise<void> {
  const entry = (shared[KEY] ??= { sender: started(options), users: 0 });
  const { sender } = entry;
  entry.users++;
  const removeOwn = own === undefined ? undefined : sender.adopt(own);
  if (isRemote) sender.attach(options);
  let isIn = true;
  return async () => {
    if (!isIn) return;
    isIn = false;
    removeOwn?.();
    if (--entry.users > 0) return;
    delete shared[KEY];
    await sender.close();
  };
}

function started(options: SenderOptions): Sender {
  const sender = new Sender(options);
  sender.start();
  return sender;
}
