// What all connections of one server or one client share.

import type { Report } from "../lifetime.ts";
import type { Limits } from "../limits.ts";
import type { TraceSinks } from "../trace.ts";
import type { Answers } from "./answers.ts";
import type { Clock } from "./clock.ts";
import type { Handlers } from "./handlers.ts";
import type { Identity } from "./hello.ts";

export interface Endpoint {
  readonly handlers: Handlers;
  readonly answers: Answers;
  readonly limits: Limits;
  readonly clock: Clock;
  readonly trace: TraceSinks;
  readonly report: Report;
  readonly identity: Identity;
  readonly exposeStacks: boolean;
  /** Whether an open connection is a reason for the process to go on. */
  readonly keepsAlive: boolean;
}
