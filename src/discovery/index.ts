// The export `crosswire/discovery`: processes that find each other, and elect one that leads.

export { joinDiscovery, type JoinOptions } from "./join-discovery.ts";
export type { LookupOptions, Member } from "./member.ts";
export type { Standing } from "./membership.ts";
export type { Watcher, WatchUpdate } from "./mirror.ts";

export { DiscoveryServer, type DiscoveryServerOptions } from "./discovery-server.ts";
export { DiscoveryClient } from "./discovery-client.ts";
export {
  type Discovered,
  DiscoveryIPC,
  type DiscoverApiResult,
  type NotDiscovered,
  type WatchItem,
} from "./discovery-ipc.ts";
export type { ServiceChange } from "./registry.ts";
export type { Service, ServiceEntry } from "./service.ts";
export type { Strategy } from "./strategy.ts";

export type { Bid, Elector, Leadership } from "./elector.ts";
export { PortElector } from "./port-elector.ts";
export type { MemberRef } from "./gathering.ts";
