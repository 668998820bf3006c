// Crosswire's engine behind its own front, gate included, with the default limits.

import { createEngine } from "../../../src/http/engine/create-engine.ts";
import { type ProxyOutcome, statusOf } from "../../../src/http/engine/engine.ts";
import { parseTarget } from "../../../src/http/engine/target.ts";
import { Front, type Surface } from "../../../src/http/front.ts";
import { Gate } from "../../../src/http/gate.ts";
import { answerJson, type FrontReply, refuseUpgrade } from "../../../src/http/reply.ts";
import { DEFAULT_LIMITS } from "../../../src/limits.ts";
import { type Peer, portOf } from "../peer.ts";

export const peer: Peer = { start };

async function start(origin: string): Promise<number> {
  const listening: { port?: number } = {};
  const gate = new Gate({ token: "none" }, () => listening.port);
  const { server } = new Front(gate, DEFAULT_LIMITS, [passOn(origin)]);
  listening.port = await portOf(server);
  return listening.port;
}

function passOn(origin: string): Surface {
  const engine = createEngine();
  const target = parseTarget(origin);
  return {
    answer(request, response) {
      void engine.request(request, response, target).then((outcome) => {
        if (outcome.status === 0) answerJson(response, replyTo(outcome));
      });
      return true;
    },
    upgrade(request, socket, head) {
      void engine.upgrade(request, socket, head, target).then((outcome) => {
        if (outcome.status === 0) refuseUpgrade(socket, replyTo(outcome));
      });
      return true;
    },
  };
}

function replyTo({ failure }: ProxyOutcome): FrontReply {
  if (failure === undefined) return { status: 502, code: "XW_UPSTREAM", reason: "no answer" };
  return { status: statusOf(failure), code: failure.code, reason: failure.message };
}
