// Tells receivers that watch how a request ended: at once, or when the network, or a stream, has come to its end.

import type { CapturedRequest } from "../../capture/decision.ts";
import type { NetworkEnd } from "../../capture/witness.ts";
import type { Answer, Outcome } from "../../exchange/outcome.ts";
import { nodeClock } from "../../node/node-clock.ts";
import type { MaybeWithBytes, Settled, WireRequest } from "../cpri-ipc.ts";
import { SeenBody } from "../../capture/seen-body.ts";
import { answerBody } from "./answer-body.ts";
import type { Attachment } from "./attachment.ts";
import { endOf, settledOf } from "./wire-request.ts";

/** A request, and who was asked about it. */
export interface Decided {
  readonly request: CapturedRequest;
  readonly startedAt: number;
  /** Who was to be asked, in this order. */
  readonly willing: readonly Attachment[];
  /** Who was. Unless the application's own handlers did it, or nobody, the last one has answered. */
  readonly asked: readonly Attachment[];
  readonly wire: () => MaybeWithBytes<WireRequest>;
}

/** HOT: benchmarks/cpri, while nobody watches. Returns the outcome to carry out: of a stream one that is seen. */
export function tellEnd(outcome: Outcome, decided: Decided, by?: "app" | "nobody"): Outcome {
  const { request, startedAt, willing, asked } = decided;
  if (!willing.some(isWatching)) return outcome;
  const hearers = introduced(decided);
  const settled = (source: Settled["source"]): Settled => {
    return { id: request.id, source, ms: nodeClock.now() - startedAt };
  };
  if (outcome.kind === "unhandled" || outcome.kind === "passthrough") {
    request.onNetworkEnd((end) => tell(hearers, settled("network"), end));
    return outcome;
  }
  const failure = by === "nobody" ? failureOf(outcome) : undefined;
  if (failure !== undefined) {
    tell(hearers, { ...settled("network"), error: failure }, undefined);
    return outcome;
  }
  const answerer = by === undefined ? asked.at(-1) : undefined;
  if (answerer !== undefined) tell([answerer], settled("mock"), undefined);
  // Who answered knows what; to the others it is news.
  const others = hearers.filter((one) => one !== answerer);
  return tellOthers(others, settled(by === "app" ? by : "other"), outcome, request);
}

/** Its client gave up: nobody is to decide about it any more, nor to hear that nobody did. */
export function tellAbandoned(decided: Decided): void {
  const { request, startedAt, willing } = decided;
  if (!willing.some(isWatching)) return;
  const error = { code: "XW_CANCELLED", message: "The client gave up." };
  const ms = nodeClock.now() - startedAt;
  tell(introduced(decided), { id: request.id, source: "network", ms, error }, undefined);
}

/** Those who watch. Who was not asked, because somebody has answered before, hears what it is about. */
function introduced({ willing, asked, wire }: Decided): readonly Attachment[] {
  const watching = willing.filter(isWatching);
  for (const one of watching) if (!asked.includes(one)) one.seen(wire());
  return watching;
}

function tellOthers(
  others: readonly Attachment[],
  settled: Settled,
  outcome: Outcome,
  { abandonment }: CapturedRequest,
): Outcome {
  if (others.length === 0 || outcome.kind !== "respond" || !isStreamed(outcome)) {
    tell(others, settled, endOf(outcome));
    return outcome;
  }
  const seen = new SeenBody();
  const over = (): void => tell(others, settled, endOf({ ...outcome, body: seen.bytes() }));
  return { ...outcome, body: answerBody(outcome.body, abandonment, { piece: seen.add, over }) };
}

function tell(hearers: readonly Attachment[], settled: Settled, end: NetworkEnd | undefined): void {
  for (const one of hearers) if (isWatching(one)) one.settled(settledOf(settled, end));
}

/** Of a request that nobody wanted, and that may not leave. */
function failureOf(outcome: Outcome): Settled["error"] {
  if (outcome.kind === "error") return { code: outcome.code, message: outcome.message ?? "" };
  if (outcome.kind !== "exception") return undefined;
  const { message = String(outcome.error) } = Object(outcome.error) as Partial<Error>;
  return { message };
}

function isWatching({ wishes }: Attachment): boolean {
  return wishes.watches;
}

function isStreamed(
  answer: Answer,
): answer is Answer & { readonly body: AsyncIterable<Uint8Array> } {
  const body = Object(answer.body) as Partial<AsyncIterable<unknown>>;
  return !(body instanceof Uint8Array) && Symbol.asyncIterator in body;
}
