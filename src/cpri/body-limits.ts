// The bounds of bodies that are streamed, on both sides.

/** How long one is kept for whoever has to come for it with a second call. */
export const PICKUP_MS: number = 10_000;

/** How far one may be ahead of its reader. More than streams have by default: each credit wakes the other process. */
export const WINDOW_BYTES: number = 1_048_576;
