// Where a request came from, said to the target: X-Forwarded-*, Forwarded and Via.
// SECURITY: what the client itself says there is overwritten, unless the proxy is told that it stands behind another one.

import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";

/** What the client sent under these names. */
export interface ClaimedProvenance {
  /** The fields `Forwarded` and `X-Forwarded-*`, names and values in turn. */
  readonly forwarded: readonly string[] | undefined;
  readonly host: string;
  readonly via: string;
}

interface Origin {
  readonly address: string;
  readonly isSecure: boolean;
  readonly port: number;
  /** The lines for the Host that was named last: clients keep to one. */
  host: string;
  lines: string;
}

export class Provenance {
  #trusts: boolean;
  /** Names this engine in Via; a request that already bears it has come in a circle. */
  #pseudonym = `crosswire-${randomBytes(6).toString("hex")}`;
  #viaLine = ["Via: 1.1 ", this.#pseudonym, "\r\n"].join("");
  #origins = new WeakMap<Socket, Origin>();

  constructor(trustForwarded: boolean) {
    this.#trusts = trustForwarded;
  }

  isOwn(via: string): boolean {
    return via !== "" && via.includes(this.#pseudonym);
  }

  /** The field lines that end the head of a forwarded request. */
  linesFor(socket: Socket, claimed: ClaimedProvenance): string {
    const { via } = claimed;
    const viaLine = via === "" ? this.#viaLine : `Via: ${via}, 1.1 ${this.#pseudonym}\r\n`;
    return this.#forwardedLines(socket, claimed) + viaLine;
  }

  #forwardedLines(socket: Socket, { forwarded, host }: ClaimedProvenance): string {
    const origin = this.#originOf(socket);
    if (this.#trusts && forwarded !== undefined) return appendedLines(origin, forwarded, host);
    if (origin.host !== host || origin.lines === "") {
      origin.host = host;
      origin.lines = ownLines(origin, host);
    }
    return origin.lines;
  }

  #originOf(socket: Socket): Origin {
    const known = this.#origins.get(socket);
    if (known !== undefined) return known;
    const origin = {
      address: (socket.remoteAddress ?? "").replace(/^::ffff:/, ""),
      isSecure: (socket as Partial<TLSSocket>).encrypted === true,
      port: socket.localPort ?? 0,
      host: "",
      lines: "",
    };
    this.#origins.set(socket, origin);
    return origin;
  }
}

/** HOT: joined, because V8 keeps a sum as its parts, to be put together anew for each request, benchmarks/proxy. */
function ownLines(origin: Origin, host: string): string {
  const { address, port } = origin;
  return [
    address === "" ? "" : `X-Forwarded-For: ${address}\r\n`,
    host === "" ? "" : `X-Forwarded-Host: ${host}\r\n`,
    port === 0 ? "" : `X-Forwarded-Port: ${port}\r\n`,
    `X-Forwarded-Proto: ${schemeOf(origin)}\r\n`,
    `Forwarded: ${elementOf(origin, host)}\r\n`,
  ].join("");
}

/** What came is kept, our own hop is added to the lists, and what was not said is said. */
function appendedLines(origin: Origin, claimed: readonly string[], host: string): string {
  const said = new Map<string, [name: string, value: string]>();
  for (let i = 0; i < claimed.length; i += 2) {
    const [name, value] = [claimed[i] as string, claimed[i + 1] as string];
    const before = said.get(name.toLowerCase());
    said.set(name.toLowerCase(), [name, before === undefined ? value : `${before[1]}, ${value}`]);
  }
  const add = (name: string, value: string, isList: boolean): void => {
    const before = said.get(name.toLowerCase())?.[1];
    if (before === undefined) said.set(name.toLowerCase(), [name, value]);
    else if (isList) said.set(name.toLowerCase(), [name, `${before}, ${value}`]);
  };
  if (origin.address !== "") add("X-Forwarded-For", origin.address, true);
  if (host !== "") add("X-Forwarded-Host", host, false);
  if (origin.port !== 0) add("X-Forwarded-Port", String(origin.port), false);
  add("X-Forwarded-Proto", schemeOf(origin), false);
  add("Forwarded", elementOf(origin, host), true);
  return [...said.values()].map(([name, value]) => `${name}: ${value}\r\n`).join("");
}

function elementOf(origin: Origin, host: string): string {
  const { address } = origin;
  const node = address === "" ? "unknown" : address.includes(":") ? `"[${address}]"` : address;
  const quoted = host.replace(/["\\]/g, "");
  return `for=${node};${host === "" ? "" : `host="${quoted}";`}proto=${schemeOf(origin)}`;
}

function schemeOf({ isSecure }: Origin): string {
  return isSecure ? "https" : "http";
}
