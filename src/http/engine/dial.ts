// Opens the socket to a target: TCP, TLS or a Unix socket.

import {
  connect as connectPlain,
  type OnReadOpts,
  type Socket,
  type TcpNetConnectOpts,
} from "node:net";
import { connect as connectTls } from "node:tls";
import type { ProxyTarget } from "./target.ts";

/** Node's 250 ms are too few on a busy machine: it would give up on a healthy address. */
const ATTEMPT_TIMEOUT_MS = 1_000;

interface DialOptions {
  readonly onread?: OnReadOpts;
  readonly allowHalfOpen?: boolean;
}

export function dial({ connect, tls }: ProxyTarget, options: DialOptions): Socket {
  const place =
    "path" in connect ? connect : { ...connect, ...(isLocalName(connect.host) ? localLookup : {}) };
  const settings = {
    ...place,
    ...options,
    noDelay: true,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: ATTEMPT_TIMEOUT_MS,
  };
  return tls === undefined
    ? connectPlain(settings as TcpNetConnectOpts)
    : connectTls({ ...settings, ...tls });
}

/** The event after which requests can be written. */
export function readyEvent({ tls }: ProxyTarget): "connect" | "secureConnect" {
  return tls === undefined ? "connect" : "secureConnect";
}

function isLocalName(host: string): boolean {
  return host === "localhost" || host.endsWith(".localhost");
}

/** Dev servers listen on either loopback address, and not every system's resolver knows both. */
const localLookup: Pick<TcpNetConnectOpts, "lookup"> = {
  lookup: (_host, { all }, callback) => {
    if (all === true) {
      callback(null, [
        { address: "127.0.0.1", family: 4 },
        { address: "::1", family: 6 },
      ]);
    } else callback(null, "127.0.0.1", 4);
  },
};
