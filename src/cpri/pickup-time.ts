// What is streamed is come for with a second call.

/** As long as it is kept for whoever has to come. */
export const PICKUP_MS: number = 10_000;
