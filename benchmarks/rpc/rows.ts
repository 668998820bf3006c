// The rows of the RPC table as data. Knows what is asked of a peer, not how it is timed.

export type Payload = "small" | "10 KB" | "1 MB";

export type Row = { name: string; title: string; showsCpu?: true } & (
  | { kind: "echo"; payload: Payload; inFlight: number; showsLatency?: true }
  | { kind: "note" }
  | { kind: "blob" }
  | { kind: "idle" }
  | { kind: "broadcast"; inFlight: number }
);

/** Connections in the `idle` and `broadcast` rows, beside the one that gives the orders. */
export const CROWD = 1_000;

/** Notes between two barrier calls. */
export const NOTES_PER_BARRIER = 2_000;

export const ROWS: readonly Row[] = [
  {
    name: "lat",
    title: "100 B echo, 1 in flight; the rate is 1 / p50",
    kind: "echo",
    payload: "small",
    inFlight: 1,
    showsLatency: true,
  },
  {
    name: "p64",
    title: "100 B echo, 64 in flight",
    kind: "echo",
    payload: "small",
    inFlight: 64,
    showsCpu: true,
  },
  {
    name: "p512",
    title: "100 B echo, 512 in flight",
    kind: "echo",
    payload: "small",
    inFlight: 512,
    showsCpu: true,
  },
  {
    name: "note",
    title: `100 B fire-and-forget, a barrier call every ${NOTES_PER_BARRIER}`,
    kind: "note",
    showsCpu: true,
  },
  {
    name: "k10",
    title: "10 KB echo, 16 in flight",
    kind: "echo",
    payload: "10 KB",
    inFlight: 16,
  },
  {
    name: "m1",
    title: "1 MB JSON echo, 1 in flight",
    kind: "echo",
    payload: "1 MB",
    inFlight: 1,
  },
  { name: "bin", title: "1 MB of bytes to the server, small answer", kind: "blob" },
  {
    name: "idle",
    title: `server heap per idle connection, ${CROWD} of them`,
    kind: "idle",
  },
  {
    name: "broadcast",
    title: `deliveries to ${CROWD} clients, one broadcast at a time`,
    kind: "broadcast",
    inFlight: 1,
  },
  {
    name: "broadcast16",
    title: `deliveries to ${CROWD} clients, 16 broadcasts in flight`,
    kind: "broadcast",
    inFlight: 16,
  },
];

export function findRow(name: string): Row {
  const row = ROWS.find((candidate) => candidate.name === name);
  if (row !== undefined) return row;
  const known = ROWS.map((candidate) => candidate.name).join(", ");
  throw new TypeError(`There is no row "${name}". The rows are: ${known}.`);
}
