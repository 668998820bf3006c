// The one call that makes a process a member: `await joinDiscovery()`.

import type { Limits } from "../limits.ts";
import type { Elector } from "./elector.ts";
import { groupName, groupPort } from "./group.ts";
import { Member } from "./member.ts";
import { PortElector } from "./port-elector.ts";
import type { Strategy } from "./strategy.ts";

export interface JoinOptions {
  /** Where the members meet, on 127.0.0.1. Without: a port that follows from the name. */
  readonly port?: number;
  /** Members of one name belong together. Without: CROSSWIRE_NAME, else the root folder of the workspace. */
  readonly name?: string;
  /** Needed only where members cannot read each other's runtime files: other users, containers. */
  readonly token?: string;
  /** Who gets the next request where an api has several replicas. */
  readonly strategy?: Strategy;
  readonly limits?: Partial<Limits>;
  /** Another way to elect a leader than by binding a port. */
  readonly elector?: Elector;
}

/**
 * Joins the processes of this name: leads them when nobody does, follows otherwise, and takes over when the leader ends.
 *
 * Throws TypeError for wrong options. Rejects within 1.5 s when the port is not theirs: XW_FOREIGN, XW_OTHER_NAME, XW_VERSION, XW_REFUSED, XW_UNRESPONSIVE, XW_LISTEN.
 * A leader that is not stopped but does not answer gets `limits.connectTimeoutMs`: the machine may be busy.
 *
 * @example
 * const member = await joinDiscovery()
 * await member.register([{ api: "users", baseUrl: "http://127.0.0.1:4001", pathPrefix: "/users" }])
 * const orders = await member.discoverApi("orders")
 */
export function joinDiscovery(options: JoinOptions = {}): Promise<Member> {
  const { name = groupName(), token, strategy, limits = {} } = options;
  const elector = options.elector ?? new PortElector(options.port ?? groupPort(name));
  return new Member({ name, elector, token, strategy, limits }).join();
}
