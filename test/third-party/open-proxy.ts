// A proxy for the servers of a test: as an application would create it, on a port that is free.

import { createProxy, type ProxyOptions } from "crosswire/http";

export interface OpenProxy {
  readonly url: string;
  close(): Promise<void>;
}

/** `routes` are patterns of paths with the URLs of the servers behind them. */
export async function openProxy(
  routes: Readonly<Record<string, string>>,
  options: Pick<ProxyOptions, "allowedHosts"> = {},
): Promise<OpenProxy> {
  const proxy = createProxy({ ...options, port: 0, routes });
  await proxy.start();
  return { url: proxy.getUrl(), close: () => proxy.close({ graceMs: 0 }) };
}
