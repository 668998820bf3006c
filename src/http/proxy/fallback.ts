// What is different when a deployed application answers in place of one that does not run here.

import type { RawFields, ResponseHead } from "../engine/engine.ts";
import type { ProxyTarget } from "../engine/target.ts";

/** Says who answered, in each response of a fallback. */
export const SERVED_BY = "x-crosswire-served-by";

/** Fields that would bind the browser's idea of localhost to what holds for the deployed host. */
const FOR_ITS_HOST_ONLY = new Set(["strict-transport-security", "alt-svc", SERVED_BY]);

/** Makes the response of a deployed host one of this proxy: its redirects lead back here, and its cookies stay here. */
export function localized({ url }: ProxyTarget): (head: ResponseHead) => RawFields {
  const origin = new URL(url).origin;
  return ({ fields }) => {
    const kept: string[] = [];
    for (let i = 0; i < fields.length; i += 2) {
      const name = fields[i] as string;
      const value = fields[i + 1] as string;
      const known = name.toLowerCase();
      if (FOR_ITS_HOST_ONLY.has(known)) continue;
      if (known === "location") kept.push(name, withoutOrigin(value, origin));
      else kept.push(name, known === "set-cookie" ? localCookie(value) : value);
    }
    return [...kept, SERVED_BY, `fallback ${origin}`];
  };
}

/** Redirects to anywhere else are not ours to bend. */
function withoutOrigin(location: string, origin: string): string {
  if (!location.toLowerCase().startsWith(origin)) return location;
  const rest = location.slice(origin.length);
  if (rest === "") return "/";
  return /^[/?#]/.test(rest) ? rest.replace(/^(?!\/)/, "/") : location;
}

/**
 * Without the domain of the deployed host; and without what plain http://localhost cannot keep, except where the name
 * of the cookie demands it.
 */
function localCookie(cookie: string): string {
  const [pair = "", ...attributes] = cookie.split(";");
  const isBound = /^\s*__(?:Host|Secure)-/i.test(pair);
  const dropped = isBound ? /^\s*domain\s*=/i : /^\s*(?:domain\s*=|secure\s*$|partitioned\s*$)/i;
  const kept = attributes.filter((attribute) => !dropped.test(attribute));
  if (isBound) return [pair, ...kept].join(";");
  // Without Secure, SameSite=None is refused.
  return [pair, ...kept.map((one) => one.replace(/^(\s*samesite\s*=\s*)none\s*$/i, "$1Lax"))].join(
    ";",
  );
}
