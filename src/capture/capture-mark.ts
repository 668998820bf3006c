// Whether something is captured in this process. Written on a built-in, so that every copy of this package sees it.

import { Agent } from "node:http";
import type { Patches } from "./patches.ts";

const MARK: unique symbol = Symbol.for("crosswire.capture") as never;
const marked = Agent.prototype as Agent & { [MARK]?: true };

export function isCapturing(): boolean {
  return marked[MARK] === true;
}

export function markCapture(patches: Patches): void {
  Object.defineProperty(marked, MARK, { value: true, configurable: true });
  patches.onRestore(() => void Reflect.deleteProperty(marked, MARK));
}
