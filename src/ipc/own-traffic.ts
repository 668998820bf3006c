// What tells Crosswire's own WebSockets from all others.

/** The one path on which they are served. */
export const IPC_PATH = "/__crosswire/ipc";
/** Sent with each attempt to connect. */
export const PROTOCOL_HEADER = "crosswire-protocol";
