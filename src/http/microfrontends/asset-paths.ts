// Paths that no route names but that belong to one application: prefixed assets, and what development servers ask for
// below the root because they know of no other application.

import { createHash } from "node:crypto";
import type { RoutingPath } from "../routing-path.ts";

/** Requested by pages of Next.js and Vite without any prefix. */
const UNPREFIXED = new Set([
  "_next",
  "@vite",
  "@fs",
  "@id",
  "@react-refresh",
  "node_modules",
  "src",
]);
/** `/__nextjs_original-stack-frames`, `/__nextjs_source-map`, `/__nextjs_font/…` */
const UNPREFIXED_BEGINNING = "__nextjs_";

/**
 * What assets of an application are below, beside a prefix that the file names: its name, and from @vercel/microfrontends
 * 2.0 on the first six digits of the MD5 of its name (its config/microfrontends/utils/hash-application-name.ts).
 */
export function assetPrefixesOf(name: string): readonly string[] {
  const hash = createHash("md5").update(name).digest("hex").slice(0, 6);
  return [`vc-ap-${name}`, `vc-ap-${hash}`];
}

/** Whether a page of any application may ask for this path, so that only the page tells whose it is. */
export function isUnprefixed({ segments: [first = ""] }: RoutingPath): boolean {
  return UNPREFIXED.has(first) || first.startsWith(UNPREFIXED_BEGINNING);
}

/**
 * The path of the picture that Next.js is asked to resize, `/docs/a.png` of `/_next/image?url=%2Fdocs%2Fa.png`.
 *
 * SECURITY: only a path on this origin counts; a foreign picture says nothing of whose request it is.
 */
export function imagePathOf({ segments }: RoutingPath, target: string): string | undefined {
  if (segments.length !== 2 || segments[0] !== "_next" || segments[1] !== "image") return undefined;
  const query = target.indexOf("?");
  const url = query === -1 ? null : new URLSearchParams(target.slice(query + 1)).get("url");
  if (url === null || !/^\/(?![/\\])/.test(url)) return undefined;
  return url;
}

/** The path and query of a Referer of this origin, the one that `host` names; undefined for any other. */
export function refererPathOf(referer: string | undefined, host: string): string | undefined {
  const origin = /^https?:\/\/([^/?#]*)/i.exec(referer ?? "");
  if (referer === undefined || origin?.[1]?.toLowerCase() !== host.toLowerCase()) return undefined;
  return referer.slice(origin[0].length) || "/";
}
