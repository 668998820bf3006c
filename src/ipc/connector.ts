// How a client gets its connection: from an address with the token that belongs to it, or from a function of the user.

import type { Transport } from "../channel/transport.ts";
import { systemClock } from "../channel/clock.ts";
import { CrosswireError, isCrosswireError } from "../errors.ts";
import type { Limits } from "../limits.ts";
import { isAlive } from "../node/process-state.ts";
import { type Address, DEFAULT_PORT, parseAddress } from "./address.ts";
import { dial, type Dialled } from "./dial.ts";
import { readRuntimeFile } from "./runtime-file.ts";

/** Opens a transport to the other side: a MessagePort, one end of a memory pair, or anything of that form. */
export type Connector = () => Transport | Promise<Transport>;

export interface Link {
  readonly connect: (runtimeId: string | undefined, timeoutMs: number) => Promise<Dialled>;
  /** Who is at the other end, in words. */
  readonly label: string;
}

export interface Target {
  readonly address: number | string | Connector | undefined;
  readonly token: string | undefined;
  readonly limits: Limits;
  readonly waitsForStart: boolean;
}

const FIRST_RETRY_MS = 10;
const LONGEST_RETRY_MS = 200;

/** Throws TypeError for an address that is none. */
export function createLink({ address, token, limits, waitsForStart }: Target): Link {
  if (typeof address === "function") {
    const connect = async (): Promise<Dialled> => ({
      transport: (await address()) as never,
      saysHello: true,
    });
    return { connect, label: "the other side" };
  }
  const { CROSSWIRE_URL: envUrl, CROSSWIRE_TOKEN: envToken } = process.env;
  const parsed = parseAddress(address ?? envUrl ?? DEFAULT_PORT);
  // SECURITY: the token of the environment belongs to the server of the environment and is shown to no other.
  const isEnvServer = envUrl !== undefined && isSamePlace(parseAddress(envUrl), parsed);
  const fixedToken = token ?? (isEnvServer ? envToken : undefined);
  return {
    connect: (runtimeId, timeoutMs) =>
      connectTo(parsed, fixedToken, { limits, runtimeId, timeoutMs, waitsForStart }),
    label: parsed.label,
  };
}

function isSamePlace(a: Address, b: Address): boolean {
  return a.url === b.url && a.socketPath === b.socketPath;
}

interface Attempt {
  readonly limits: Limits;
  readonly runtimeId: string | undefined;
  readonly timeoutMs: number;
  readonly waitsForStart: boolean;
}

/** Tries again while a server is just starting: then its port and its runtime file belong to different moments. */
async function connectTo(
  address: Address,
  fixedToken: string | undefined,
  attempt: Attempt,
): Promise<Dialled> {
  const { now } = systemClock;
  const dueAt = now() + attempt.timeoutMs;
  for (let delay = FIRST_RETRY_MS; ; delay = Math.min(delay * 2, LONGEST_RETRY_MS)) {
    const record =
      address.runtimeKey === undefined ? undefined : readRuntimeFile(address.runtimeKey);
    const token = fixedToken ?? record?.token;
    try {
      return await dial(address, { ...attempt, token, timeoutMs: dueAt - now() });
    } catch (error) {
      const mayHelp = fixedToken === undefined && isStarting(error, address, token, attempt);
      if (!mayHelp || now() + delay >= dueAt) throw error;
      await pause(delay);
    }
  }
}

function isStarting(
  error: unknown,
  { runtimeKey }: Address,
  triedToken: string | undefined,
  { waitsForStart }: Attempt,
): boolean {
  if (runtimeKey === undefined) return false;
  const record = readRuntimeFile(runtimeKey);
  // It refused the token of its predecessor, and has written its own meanwhile.
  if (isCrosswireError(error, "XW_REFUSED"))
    return record !== undefined && record.token !== triedToken;
  // It wrote its file but is not there: on its way up or down, unless its process is gone.
  if (isCrosswireError(error, "XW_UNREACHABLE"))
    return waitsForStart && record !== undefined && isAlive(record.pid);
  return false;
}

function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => systemClock.setTimer(resolve, delayMs));
}

/** What calls get while there is no connection. */
export function notConnected(label: string, what: string): CrosswireError {
  return new CrosswireError(
    "XW_NOT_CONNECTED",
    `${what} was not sent: this client is not connected to ${label}. Call await client.connect() first.`,
    { peer: label, maybeDelivered: false },
  );
}
