// What `crosswire proxy` says when it listens: where, and which application has which paths.

import type { ReverseProxy } from "../http/proxy/proxy.ts";
import type { ProxyOptions } from "../http/proxy/proxy-options.ts";
import { originOf } from "../http/microfrontends/hosts.ts";
import { PortBook } from "../http/microfrontends/port-book.ts";

interface Row {
  readonly app: string;
  readonly target: string;
  readonly paths: readonly string[];
}

export function banner(proxy: ReverseProxy, source: ProxyOptions, asJson: boolean): string {
  const url = proxy.getUrl();
  const rows = rowsOf(source);
  if (asJson) return JSON.stringify({ event: "listening", url, apps: rows });
  const width = Math.max(...rows.map(({ app }) => app.length));
  const lines = rows.map(
    ({ app, target, paths }) => `  ${app.padEnd(width)}  ${target}  ${paths.join(", ")}`,
  );
  return [`crosswire proxy on ${url}`, ...lines].join("\n");
}

function rowsOf({ target, routes = {}, microfrontends }: ProxyOptions): Row[] {
  if (target !== undefined) return [{ app: "everything", target, paths: [] }];
  if (microfrontends === undefined) {
    return Object.entries(routes).map(([pattern, route]) => ({
      app: pattern,
      target: typeof route === "string" ? route : route.target,
      paths: [],
    }));
  }
  const book = new PortBook(microfrontends);
  return microfrontends.apps.map((app) => ({
    app: app.name,
    target: originOf({ ...app.local, port: book.lookup(app) }),
    paths: app.isDefault ? ["(default)"] : app.rules.map(({ pattern }) => pattern),
  }));
}
