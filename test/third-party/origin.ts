// A server of the test's own behind the proxy.

import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import { until } from "../fixtures/wait.ts";
import { type OpenProxy, openProxy } from "./open-proxy.ts";

export interface Proxied {
  /** Of the proxy. */
  readonly url: string;
  readonly port: number;
  readonly origin: Server;
}

/** Opens both for the length of a test. */
export async function openOrigin(listener?: RequestListener): Promise<Proxied> {
  const origin = createServer(listener);
  origin.listen(0, "127.0.0.1");
  await until(origin, "listening");
  const { port } = origin.address() as AddressInfo;
  const proxy: OpenProxy = await openProxy({ "/:path*": `http://127.0.0.1:${port}` });
  onTestFinished(async () => {
    await proxy.close();
    origin.closeAllConnections();
    await new Promise((resolve) => origin.close(resolve));
  });
  return { url: proxy.url, port: Number(new URL(proxy.url).port), origin };
}
