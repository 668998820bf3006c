// The WebSocket endpoint of the front itself. Only who has the token gets to its handler.

import type { Surface, UpgradeHandler } from "./front.ts";
import { pathOf } from "./front.ts";
import type { Gate } from "./gate.ts";
import { refuseUpgrade } from "./reply.ts";

export function controlSurface(gate: Gate, path: string, handler: UpgradeHandler): Surface {
  return {
    upgrade(request, socket, head) {
      if (pathOf(request) !== path) return false;
      const refusal = gate.checkControl(request);
      if (refusal === undefined) handler(request, socket, head);
      else refuseUpgrade(socket, { ...refusal, code: "XW_REFUSED" });
      return true;
    },
  };
}
