// What a chaos proxy is told to do wrong: data, checked once, never changed in place.

/** Faults of one direction. What is left out does not happen. */
export interface DirectionFaults {
  /** Everything arrives this much later, … */
  readonly latencyMs?: number;
  /** … and by a random part of this later still. The order holds. */
  readonly jitterMs?: number;
  /** How much gets through in a second. */
  readonly bytesPerSecond?: number;
  /** What comes is passed on in pieces of 1 to so many bytes. */
  readonly sliceBytes?: number;
  /** Nothing gets through, and nothing is lost: it waits until this is false again. */
  readonly stall?: boolean;
  /** Whatever comes is lost, and neither side is told, not even of the other one's end. */
  readonly blackhole?: boolean;
  /** After so many bytes both ends get a RST. */
  readonly resetAfterBytes?: number;
  /** After so many bytes the receiver gets a FIN. The other direction stays open. */
  readonly endAfterBytes?: number;
  /** The byte behind so many others arrives with one wrong bit. */
  readonly flipAfterBytes?: number;
}

/** Faults of both directions, each by itself. `toTarget` and `toClient` change them for one. */
export interface Faults extends DirectionFaults {
  readonly toTarget?: DirectionFaults;
  readonly toClient?: DirectionFaults;
  /** New connections get a RST at once, as if nothing listened. Open ones stay. */
  readonly refuse?: boolean;
}

/** Faults as the two lanes of a connection read them. */
export interface LaneFaults {
  readonly toTarget: DirectionFaults;
  readonly toClient: DirectionFaults;
}

interface Rule {
  readonly demand: string;
  readonly accepts: (value: unknown) => boolean;
}

const DURATION: Rule = {
  demand: "a number of milliseconds, 0 or more",
  accepts: (value) => Number.isFinite(value) && Number(value) >= 0,
};
const RATE: Rule = {
  demand: "a number above 0",
  accepts: (value) => Number.isFinite(value) && Number(value) > 0,
};
const SIZE: Rule = {
  demand: "a whole number, 1 or more",
  accepts: (value) => Number.isSafeInteger(value) && Number(value) >= 1,
};
const COUNT: Rule = {
  demand: "a whole number, 0 or more",
  accepts: (value) => Number.isSafeInteger(value) && Number(value) >= 0,
};
const SWITCH: Rule = {
  demand: "true or false",
  accepts: (value) => typeof value === "boolean",
};

const DIRECTION_RULES: Readonly<Record<keyof DirectionFaults, Rule>> = {
  latencyMs: DURATION,
  jitterMs: DURATION,
  bytesPerSecond: RATE,
  sliceBytes: SIZE,
  stall: SWITCH,
  blackhole: SWITCH,
  resetAfterBytes: COUNT,
  endAfterBytes: COUNT,
  flipAfterBytes: COUNT,
};

/** A frozen copy of `given`, without what is undefined. Throws TypeError naming what is wrong. */
export function readFaults(given: Faults): Faults {
  const { toTarget, toClient, refuse, ...both } = asObject(given, "faults");
  if (refuse !== undefined) check(SWITCH, refuse, "refuse");
  return Object.freeze({
    ...readDirection(both, ""),
    ...(refuse === undefined ? {} : { refuse: refuse === true }),
    ...(toTarget === undefined ? {} : { toTarget: readDirection(toTarget, "toTarget") }),
    ...(toClient === undefined ? {} : { toClient: readDirection(toClient, "toClient") }),
  });
}

export function toLaneFaults({ toTarget, toClient, ...both }: Faults): LaneFaults {
  return { toTarget: { ...both, ...toTarget }, toClient: { ...both, ...toClient } };
}

function readDirection(given: unknown, where: string): DirectionFaults {
  const faults = Object.entries(asObject(given, where)).filter(([, value]) => value !== undefined);
  for (const [name, value] of faults) {
    const path = where === "" ? name : `${where}.${name}`;
    if (!isFault(name)) throw unknownFault(path);
    check(DIRECTION_RULES[name], value, path);
  }
  return Object.freeze(Object.fromEntries(faults));
}

function isFault(name: string): name is keyof DirectionFaults {
  return Object.hasOwn(DIRECTION_RULES, name);
}

function asObject(value: unknown, name: string): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  throw new TypeError(`${name} must be an object of faults, but is ${String(value)}.`);
}

function check(rule: Rule, value: unknown, path: string): void {
  if (rule.accepts(value)) return;
  throw new TypeError(`${path} must be ${rule.demand}, but is ${String(value)}.`);
}

function unknownFault(path: string): TypeError {
  const known = [...Object.keys(DIRECTION_RULES), "toTarget", "toClient", "refuse"].join(", ");
  return new TypeError(`${path} does not exist. A chaos proxy knows: ${known}.`);
}
