// What there is to see of an error, so that two of them can be compared, and how to cause one.

import type { Socket } from "node:net";

/** Its fields that do not differ from one failure to the next, and those of what is behind it. */
export function faceOf(error: unknown): unknown {
  if (typeof error !== "object" || error === null) return error;
  const { name, message, cause, code, errno, syscall, address, port, hostname, type } =
    error as Record<string, unknown>;
  const seen = { name, message, code, errno, syscall, address, port, hostname, type };
  const given = Object.entries(seen).filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries(given), ...(cause === undefined ? {} : { cause: faceOf(cause) }) };
}

/** RST and nothing before it: resetAndDestroy() says FIN first, and which one is seen is a matter of luck. */
export function reset(socket: Socket): void {
  Object.assign(socket, { resetAndClosing: true }).destroy();
}
