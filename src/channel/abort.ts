// Listening to AbortSignals. A signal that serves many calls is listened to once:
// Node warns of a leak when one has more than ten listeners.

/** The part of an AbortSignal that is used, so that any implementation of it fits. */
export interface Signal {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: "abort", listener: () => void, options?: { once: boolean }): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

interface Audience {
  readonly listeners: Set<() => void>;
  readonly fire: () => void;
}

const audiences = new WeakMap<Signal, Audience>();

/** Calls `listener` when the signal fires. Returns the undo; the last one leaves nothing on the signal. */
export function onAbort(signal: Signal, listener: () => void): () => void {
  const audience = audiences.get(signal) ?? gather(signal);
  // Wrapped, so that the same function given twice is two listeners.
  const entry = (): void => listener();
  audience.listeners.add(entry);
  return () => {
    audience.listeners.delete(entry);
    if (audience.listeners.size > 0 || audiences.get(signal) !== audience) return;
    signal.removeEventListener("abort", audience.fire);
    audiences.delete(signal);
  };
}

function gather(signal: Signal): Audience {
  const listeners = new Set<() => void>();
  const fire = (): void => {
    audiences.delete(signal);
    for (const listener of listeners) listener();
  };
  signal.addEventListener("abort", fire, { once: true });
  const audience = { listeners, fire };
  audiences.set(signal, audience);
  return audience;
}
