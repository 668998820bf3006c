// What a library has to offer to be measured. Names no library and no row.

/** What a server does with what arrives. The same object is behind every peer. */
export interface Work {
  echo(payload: unknown): Promise<unknown>;
  blob(bytes: Uint8Array): Promise<BlobReceipt>;
  note(payload: unknown): void;
  control(order: Order): Promise<ServerState>;
}

export interface BlobReceipt {
  bytes: number;
}

/** `state` doubles as the barrier behind notes: its answer carries the server's own count. */
export type Order = { kind: "state" | "heap" | "digest" } | { kind: "broadcast"; payload: unknown };

export interface ServerState {
  notes: number;
  cpuMicros: number;
  heapBytes?: number;
  digest?: string;
}

export interface PeerServer {
  /** Whatever `connect` of the same peer needs to find this server. */
  address: string;
  broadcast?(payload: unknown): void;
  /** Only for what would outlive the process, such as a socket file. */
  close?(): Promise<unknown>;
}

/** A method that is missing means that the library has no such thing; its rows show "–". */
export interface PeerClient {
  echo(payload: unknown): Promise<unknown>;
  control(order: Order): Promise<ServerState>;
  note?(payload: unknown): void;
  blob?(bytes: Uint8Array): Promise<BlobReceipt>;
  onTick?(listener: (payload: unknown) => void): void;
  close(): Promise<void>;
}

export interface Peer {
  serve(work: Work): Promise<PeerServer>;
  connect(address: string): Promise<PeerClient>;
}
