// Where a chaos proxy connects to, in the forms that users have at hand. Reads addresses; asks nobody and dials nothing.

import type { NetConnectOpts } from "node:net";
import { inspect } from "node:util";
import { LOOPBACK } from "../../http/listener.ts";

/** A port of this machine, `"host:port"`, a URL of which only host and port count, or an object. */
export type ChaosAddress =
  | number
  | string
  | URL
  | { readonly port: number; readonly host?: string }
  | { readonly socketPath: string };

/** A function is asked at each connection; undefined, or the port 0, means that there is nobody at present. */
export type ChaosTarget = ChaosAddress | (() => ChaosAddress | undefined);

/** What nobody has to write into a URL. */
const DEFAULT_PORTS: Readonly<Record<string, number>> = {
  "http:": 80,
  "ws:": 80,
  "https:": 443,
  "wss:": 443,
};

/** Throws TypeError for what is no address. */
export function readTarget(target: ChaosTarget): () => NetConnectOpts | undefined {
  if (typeof target !== "function") {
    const address = readAddress(target);
    return () => address;
  }
  return () => {
    const address = target();
    return isNobody(address) ? undefined : readAddress(address);
  };
}

/** Servers that do not listen yet, or no more, commonly say that their port is 0. */
function isNobody(address: ChaosAddress | undefined): address is undefined {
  if (address === undefined || address === 0) return true;
  return typeof address === "object" && "port" in address && address.port === 0;
}

function readAddress(address: ChaosAddress): NetConnectOpts {
  if (typeof address === "number") return place(LOOPBACK, address, address);
  if (address instanceof URL) return fromUrl(address);
  if (typeof address === "string") return fromText(address);
  if (typeof address !== "object" || address === null) throw noAddress(address);
  if ("socketPath" in address) {
    if (typeof address.socketPath !== "string" || address.socketPath === "") {
      throw noAddress(address);
    }
    return { path: address.socketPath };
  }
  return place(address.host ?? LOOPBACK, address.port, address);
}

function fromText(text: string): NetConnectOpts {
  if (text.includes("://")) {
    if (!URL.canParse(text)) throw noAddress(text);
    return fromUrl(new URL(text));
  }
  const [, host = "", port] = /^(\[.+\]|[^:]+):(\d+)$/.exec(text) ?? [];
  return place(host, Number(port), text);
}

function fromUrl({ protocol, hostname, port, href }: URL): NetConnectOpts {
  return place(hostname, port === "" ? (DEFAULT_PORTS[protocol] ?? 0) : Number(port), href);
}

function place(host: string, port: number, asked: unknown): NetConnectOpts {
  if (typeof host !== "string" || host === "") throw noAddress(asked);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw noAddress(asked);
  // Brackets are how a URL writes an IPv6 address, not a part of it.
  return { host: host.replace(/^\[|\]$/g, ""), port };
}

function noAddress(asked: unknown): TypeError {
  return new TypeError(
    `target ${inspect(asked)} is not an address with a port; use a port from 1 to 65535, "host:port", a URL with a port, { host, port }, { socketPath }, or a function that returns one of these.`,
  );
}
