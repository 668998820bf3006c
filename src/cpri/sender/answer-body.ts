// A streamed answer in the hands of whoever passes it to the client: it is over in any case, also where nobody begins
// to read it, because the client is gone or has got another answer.

import type { Signal } from "../../channel/abort.ts";
import { backgroundClock } from "../../node/node-clock.ts";
import { type BodyEvents, OutgoingBody } from "../outgoing-body.ts";
import { PICKUP_MS } from "../body-limits.ts";

export function answerBody(
  body: AsyncIterable<Uint8Array>,
  abandonment: Signal,
  { over, ...events }: BodyEvents,
): OutgoingBody {
  // Whoever has begun to read it ends it as well.
  const discard = (): void => {
    if (!answer.isBegun) answer.return().catch(() => {});
  };
  const timer = backgroundClock.setTimer(discard, PICKUP_MS);
  const answer = new OutgoingBody(body, {
    ...events,
    over: (isWhole) => {
      backgroundClock.clearTimer(timer);
      abandonment.removeEventListener("abort", discard);
      over(isWhole);
    },
  });
  abandonment.addEventListener("abort", discard);
  if (abandonment.aborted) discard();
  return answer;
}
