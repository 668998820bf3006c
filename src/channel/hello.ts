// The hello: how two Crosswire peers learn that both know more than the base protocol.
// It is a message on a reserved path, so a peer that knows only the base ignores it.

import { CrosswireError } from "../errors.ts";
import type { Limits } from "../limits.ts";

export const PROTOCOL_VERSION = 1;
export const HELLO_PATH = "$hello";

/** Who a process says it is. Shown in errors and traces; proves nothing. */
export interface Identity {
  readonly name?: string;
  readonly instanceId: string;
  readonly pid?: number;
}

export interface Hello extends Identity {
  readonly version: number;
  /** What this side understands beyond the base protocol. */
  readonly extensions: readonly Extension[];
  readonly maxFrameBytes: number;
  /** What a call without a time attribute means: it saves eight bytes on nearly every call. */
  readonly callTimeoutMs: number;
  /** What a producer may send on a new stream before the first grant. */
  readonly streamWindowBytes: number;
  /** A process in a debugger is silent at a breakpoint, not dead. */
  readonly debugger?: boolean;
}

export const EXTENSIONS = [
  "attributes",
  "binary",
  "cancel",
  "join",
  "leave",
  "ping",
  "stream",
] as const;
export type Extension = (typeof EXTENSIONS)[number];

const ALL_EXTENSIONS: ReadonlySet<Extension> = new Set(EXTENSIONS);
const NO_EXTENSIONS: ReadonlySet<Extension> = new Set();
const MAX_NAME_LENGTH = 128;

/** What a channel may rely on; before the hello, and with base peers, that is nothing. */
export interface PeerFacts {
  /** Undefined for a peer that said no hello. */
  readonly identity: Identity | undefined;
  readonly isDebugged: boolean;
  readonly extensions: ReadonlySet<Extension>;
  readonly maxFrameBytes: number;
  readonly callTimeoutMs: number;
  readonly streamWindowBytes: number;
}

export function basePeer(limits: Limits): PeerFacts {
  return {
    identity: undefined,
    isDebugged: false,
    extensions: NO_EXTENSIONS,
    maxFrameBytes: limits.maxFrameBytes,
    callTimeoutMs: limits.callTimeoutMs,
    streamWindowBytes: limits.streamWindowBytes,
  };
}

export function ownHello(identity: Identity, limits: Limits, debuggerAttached: boolean): Hello {
  return {
    version: PROTOCOL_VERSION,
    extensions: EXTENSIONS,
    ...identity,
    maxFrameBytes: finite(limits.maxFrameBytes),
    callTimeoutMs: finite(limits.callTimeoutMs),
    streamWindowBytes: finite(limits.streamWindowBytes),
    ...(debuggerAttached ? { debugger: true } : {}),
  };
}

/** Facts from the other side's hello. Throws XW_VERSION for another version, XW_FRAME for nonsense. */
export function readHello(value: unknown): PeerFacts {
  const hello = value as Partial<Hello> | null;
  if (typeof hello !== "object" || hello === null || typeof hello.version !== "number") {
    throw new CrosswireError("XW_FRAME", "The hello of the other side has no version.");
  }
  if (hello.version !== PROTOCOL_VERSION) throw versionError(hello.version);
  const { extensions, maxFrameBytes, callTimeoutMs, streamWindowBytes, instanceId, name, pid } =
    hello;
  if (
    !Array.isArray(extensions) ||
    !isBound(maxFrameBytes) ||
    !isBound(callTimeoutMs) ||
    !isBound(streamWindowBytes) ||
    typeof instanceId !== "string"
  ) {
    throw new CrosswireError("XW_FRAME", "The hello of the other side lacks a field it must have.");
  }
  return {
    identity: {
      instanceId: instanceId.slice(0, MAX_NAME_LENGTH),
      ...(typeof name === "string" ? { name: name.slice(0, MAX_NAME_LENGTH) } : {}),
      ...(typeof pid === "number" ? { pid } : {}),
    },
    isDebugged: hello.debugger === true,
    extensions: knownAmong(extensions),
    maxFrameBytes,
    callTimeoutMs,
    streamWindowBytes,
  };
}

export function versionError(theirs: number | string): CrosswireError {
  return new CrosswireError(
    "XW_VERSION",
    `The other side speaks version ${theirs} of the Crosswire protocol, this side version ${PROTOCOL_VERSION}. ` +
      "Install the same major version of crosswire on both sides.",
    { detail: { theirs, ours: PROTOCOL_VERSION } },
  );
}

/** Nearly every peer knows all of them, and then all share one set. */
function knownAmong(announced: readonly unknown[]): ReadonlySet<Extension> {
  const known = EXTENSIONS.filter((extension) => announced.includes(extension));
  return known.length === EXTENSIONS.length ? ALL_EXTENSIONS : new Set(known);
}

/** JSON has no Infinity. */
function finite(bound: number): number {
  return Math.min(bound, Number.MAX_SAFE_INTEGER);
}

function isBound(value: unknown): value is number {
  return typeof value === "number" && value > 0;
}
