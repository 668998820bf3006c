// A capture for the length of a test, and what tests decide.

import { onTestFinished } from "vitest";
import { type Capture, type CaptureOptions, startCapture } from "../../src/capture/capture.ts";
import type { CapturedRequest } from "../../src/capture/decision.ts";
import type { Answer, Body, Outcome } from "../../src/exchange/outcome.ts";
import type { Fields } from "../../src/exchange/request.ts";

export const PASS: Outcome = { kind: "passthrough" };
/** Nobody has this name: a request that gets an answer from it never left. */
export const NOWHERE = "http://nowhere.invalid";

export interface TestCapture extends Capture {
  /** What was asked, in order. */
  readonly asked: CapturedRequest[];
}

export type Decide = CaptureOptions["decide"];

export function capture(decide: Decide, options: Partial<CaptureOptions> = {}): TestCapture {
  const asked: CapturedRequest[] = [];
  const started = startCapture({
    decide: (request) => {
      asked.push(request);
      return decide(request);
    },
    ...options,
  });
  onTestFinished(() => started.close());
  return { close: () => started.close(), asked };
}

export function respond(body?: string | Body, headers: Fields = [], status = 200): Answer {
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  return { kind: "respond", status, headers, body: bytes };
}

export async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of body) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}
