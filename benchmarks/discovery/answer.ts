// The raw request that lookups are compared with: the same payload, the same answer, no discovery.

import { IPCServer } from "../../src/ipc/server.ts";
import type { DiscoverApiResult } from "../../src/discovery/discovery-ipc.ts";

export const SERVICES = 100;

export const rawLookup: ReturnType<typeof IPCServer.defineRequest<string, DiscoverApiResult>> =
  IPCServer.defineRequest<string, DiscoverApiResult>("bench/raw-lookup");

export function serviceName(index: number): string {
  return `service-${index}`;
}

export function entryOf(index: number): { api: string; baseUrl: string; pathPrefix: string } {
  const api = serviceName(index);
  return { api, baseUrl: `http://127.0.0.1:${4000 + index}`, pathPrefix: `/${api}` };
}
