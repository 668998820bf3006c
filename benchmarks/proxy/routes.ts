// The tables of the row `routes`. Of each, whatever its size, the same route in its middle is asked for.

/** The middle of the largest table. */
const REQUESTED = 500;

const SECTIONS_PER_APP = 10;

export const ROUTE_COUNTS: readonly number[] = [10, 100, 1_000];

export const ROUTED_PATH = `${prefixOf(REQUESTED)}/small`;

/** Everything leads to `origin`. The last route takes what the others leave, and what the gate asks for. */
export function routesTo(origin: string, count: number): Record<string, string> {
  const first = REQUESTED - Math.floor(count / 2);
  const patterns = Array.from({ length: count - 1 }, (_, i) => `${prefixOf(first + i)}/:path*`);
  return Object.fromEntries([...patterns, "/:path*"].map((pattern) => [pattern, origin]));
}

function prefixOf(route: number): string {
  const app = Math.floor(route / SECTIONS_PER_APP);
  return `/app${app}/section${route % SECTIONS_PER_APP}`;
}
