// Chance that can be repeated: the same seed gives the same numbers, on any machine.

/** The next number, from 0 to below 1. */
export type Random = () => number;

/** Numbers that only the seed decides (mulberry32). Not for secrets. */
export function seededRandom(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A sequence of its own for one part, which no longer depends on what the other parts draw, or when. */
export function branch(random: Random): Random {
  return seededRandom(Math.floor(random() * 2 ** 32));
}
