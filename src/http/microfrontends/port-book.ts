// Which port each application got on this machine, shared between the processes that start applications and the
// proxy in front of them. Only generated ports can change; a port that the file names is that or nothing.

import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import { createServer } from "node:net";
import { CrosswireError } from "../../errors.ts";
import { notePath, readNote, writeNote } from "../../node/runtime-directory.ts";
import type { Application } from "./application.ts";
import { isPort } from "./config-reader.ts";
import type { Microfrontends } from "./microfrontends.ts";
import { DEFAULT_PROXY_PORT, freePortsFrom } from "./ports.ts";

/** What the book has to know of a configuration. */
type Source = Pick<Microfrontends, "file" | "shownAs" | "apps" | "proxyPort">;

/** Servers listen on either; a browser that goes to localhost may try both. */
const LOOPBACK = ["127.0.0.1", "::1"];
/** The machine has no such address, so nobody can be met there; or only an administrator may try the port. */
const UNTRIED = new Set(["EADDRNOTAVAIL", "EAFNOSUPPORT", "EACCES"]);
/** How old what `lookup` knows may be. */
const FRESH_MS = 100;

export class PortBook {
  readonly #source: Source;
  readonly #note: string;
  #ports: ReadonlyMap<string, number> = new Map();
  #version = "";
  #lookedAt = -Infinity;

  constructor(source: Source) {
    this.#source = source;
    const key = createHash("sha256").update(source.file).digest("hex").slice(0, 24);
    this.#note = `ports-${key}.json`;
  }

  /**
   * A port for an application that is about to start: its own when that is free, else, if it was generated, the next
   * free one, which `lookup` tells in every process from now on.
   *
   * Rejects with XW_CONFIG when the file names a port that something else has.
   */
  async reserve(app: Application): Promise<number> {
    const { port } = app.local;
    if (!app.hasGeneratedPort) {
      const holder = await holderOf(port);
      if (holder !== undefined) throw this.#takenPort(app, holder);
      return port;
    }
    for (const candidate of freePortsFrom(port, this.#portsOfOthers(app))) {
      if ((await holderOf(candidate)) !== undefined) continue;
      this.#remember(app, candidate);
      return candidate;
    }
    throw new CrosswireError(
      "XW_CONFIG",
      `No port from 3000 to 7999 is free for ${JSON.stringify(app.name)}; name one in its "development.local".`,
    );
  }

  /** Where the application is to be found, by what was reserved for it; its own port where nothing was. */
  lookup(app: Application): number {
    if (!app.hasGeneratedPort) return app.local.port;
    this.#refresh();
    return this.#ports.get(app.name) ?? app.local.port;
  }

  /** HOT: asked for each request, so the file is looked at now and then, and read only when it is another one. */
  #refresh(): void {
    const now = performance.now();
    if (now - this.#lookedAt < FRESH_MS) return;
    this.#lookedAt = now;
    const stats = statSync(notePath(this.#note), { throwIfNoEntry: false, bigint: true });
    const version = stats === undefined ? "" : `${stats.ino} ${stats.mtimeNs} ${stats.size}`;
    if (version === this.#version) return;
    this.#version = version;
    this.#ports = this.#readPorts();
  }

  #remember({ name, local }: Application, port: number): void {
    const known = this.#readPorts();
    if ((known.get(name) ?? local.port) === port) return;
    // What another process wrote meanwhile stays.
    const ports = { ...Object.fromEntries(known), [name]: port };
    try {
      writeNote(this.#note, JSON.stringify({ file: this.#source.file, ports }));
    } catch (error) {
      const text =
        `${JSON.stringify(name)} could have port ${port} in place of ${local.port}, which is taken, but the proxy ` +
        `cannot be told: ${(error as Error).message} Name a port in "development.local" instead.`;
      throw new CrosswireError("XW_CONFIG", text, { cause: error });
    }
    this.#lookedAt = -Infinity;
  }

  /**
   * SECURITY: only ports are taken from the note, and only for applications of the file; hosts never.
   * Nor a port that the file has given to another application since: the note must not misroute.
   */
  #readPorts(): ReadonlyMap<string, number> {
    const note = parsed(readNote(this.#note));
    const ports = new Map<string, number>();
    if (note?.file !== this.#source.file) return ports;
    for (const { name, hasGeneratedPort } of this.#source.apps) {
      const port = Object.hasOwn(note.ports ?? {}, name) ? note.ports?.[name] : undefined;
      const isAnothers = this.#source.apps.some(
        (app) => app.name !== name && app.local.port === port,
      );
      if (hasGeneratedPort && isPort(port) && !isAnothers) ports.set(name, port);
    }
    return ports;
  }

  #portsOfOthers(app: Application): Set<number> {
    const reserved = this.#readPorts();
    const others = this.#source.apps.filter(({ name }) => name !== app.name);
    const ports = others.flatMap(({ name, local }) => [
      local.port,
      reserved.get(name) ?? local.port,
    ]);
    return new Set([...ports, this.#source.proxyPort ?? DEFAULT_PROXY_PORT, DEFAULT_PROXY_PORT]);
  }

  #takenPort({ name, local, localAt }: Application, holder: string): CrosswireError {
    const at = `${this.#source.shownAs}:${localAt.line}:${localAt.column}`;
    const text =
      `${at}: ${JSON.stringify(name)} is to listen on port ${local.port}, but something listens on ${holder} ` +
      'already; end that, or give the application another port in "development.local"';
    return new CrosswireError("XW_CONFIG", text, { detail: { app: name, port: local.port } });
  }
}

/** The address at which somebody listens on this port already. */
async function holderOf(port: number): Promise<string | undefined> {
  for (const host of LOOPBACK) {
    if (!(await canListen(host, port))) return `${host.includes(":") ? `[${host}]` : host}:${port}`;
  }
  return undefined;
}

/** Tried in earnest: nothing else tells for certain. */
function canListen(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", ({ code = "" }: NodeJS.ErrnoException) => resolve(UNTRIED.has(code)));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

interface Note {
  readonly file?: unknown;
  readonly ports?: Readonly<Record<string, unknown>>;
}

function parsed(text: string | undefined): Note | undefined {
  try {
    const note = JSON.parse(text ?? "null") as Note | null;
    return typeof note === "object" && note !== null ? note : undefined;
  } catch {
    return undefined; // Not what this class writes.
  }
}
