// Which port each application has: the one that the file names, or one made from its name by the function that
// Turborepo and @vercel/microfrontends share, so that all three agree without talking.

import type { ApplicationEntry } from "./application.ts";
import type { ConfigReport } from "./config-report.ts";
import type { LocalServer } from "./hosts.ts";

/** Where the proxy listens unless it is told otherwise. */
export const DEFAULT_PROXY_PORT = 3024;

const FIRST_PORT = 3000;
const PORT_COUNT = 5000;
/**
 * Databases that are likely to run here. Both other products can make these ports from a name; we do not.
 * Ports that the file names are taken as they are, 1 to 65535: whoever writes 8 or 27017 means it. Turborepo refuses
 * those outside 3000 to 9999.
 */
const BLOCKED_PORTS: ReadonlySet<number> = new Set([3306, 5432, 6379, 27_017]);

/** Java's string hash of the name, over 3000 to 7999. */
export function generatedPort(name: string): number {
  let hash = 0;
  for (let i = 0; i < name.length; i++) hash = (Math.imul(hash, 31) + name.charCodeAt(i)) | 0;
  return FIRST_PORT + (Math.abs(hash) % PORT_COUNT);
}

/** The ports to try, beginning at `port` and going round once, without blocked ones and those of `taken`. */
export function* freePortsFrom(port: number, taken: ReadonlySet<number>): Generator<number> {
  for (let i = 0; i < PORT_COUNT; i++) {
    const next = FIRST_PORT + ((port - FIRST_PORT + i) % PORT_COUNT);
    if (!BLOCKED_PORTS.has(next) && !taken.has(next)) yield next;
  }
}

/** The ports by name. Two applications on one port are an error; a generated port gives way, with a warning. */
export function assignPorts(
  entries: readonly ApplicationEntry[],
  proxyPort: number,
  report: ConfigReport,
): ReadonlyMap<string, number> {
  const ports = new Map<string, number>();
  const taken = new Set([proxyPort, DEFAULT_PROXY_PORT]);
  const written = new Map<string, ApplicationEntry>();
  for (const entry of entries) {
    const { name, local, localAt } = entry;
    if (local.port === undefined) continue;
    const address = addressOf(local, local.port);
    const other = written.get(address);
    if (other !== undefined) report.complain(localAt, samePort(entry, other));
    if (address === String(proxyPort)) report.complain(localAt, proxyHasIt(name, proxyPort));
    written.set(address, entry);
    taken.add(local.port);
    ports.set(name, local.port);
  }
  for (const { name, local, at } of entries) {
    if (local.port !== undefined) continue;
    const wanted = generatedPort(name);
    const [port = wanted] = freePortsFrom(wanted, taken);
    if (port !== wanted) report.warn(at, movedPort(name, wanted, port));
    taken.add(port);
    ports.set(name, port);
  }
  return ports;
}

function samePort({ name, local }: ApplicationEntry, other: ApplicationEntry): string {
  return (
    `${JSON.stringify(name)} has the port ${local.port}, which ${JSON.stringify(other.name)} on line ` +
    `${other.localAt.line} has too; give one of them another`
  );
}

function proxyHasIt(name: string, port: number): string {
  return `${JSON.stringify(name)} has the port ${port}, where the proxy itself listens; give one of them another`;
}

function movedPort(name: string, wanted: number, port: number): string {
  return (
    `the port made from the name ${JSON.stringify(name)} is ${wanted}, which something else has; it gets ${port}. ` +
    'Tools that make the port themselves will not know; name one in "development.local"'
  );
}

/** All names of this machine are one address, because servers listen on one port whatever they are called. */
function addressOf({ host }: LocalServer, port: number): string {
  const isLoopback = /^(localhost|.+\.localhost|127\.\d+\.\d+\.\d+|\[::1\]|0\.0\.0\.0)$/i.test(
    host,
  );
  return isLoopback ? String(port) : `${host}:${port}`;
}
