// What is different when a deployed application answers in place of one that does not run here.

import type { RawFields, ResponseHead } from "../engine/engine.ts";
import type { ProxyTarget } from "../engine/target.ts";

/** Says who answered, in each response of a fallback. */
const SERVED_BY = "x-crosswire-served-by";

/** Fields that would bind the browser's idea of localhost to what holds for the deployed host. */
const FOR_ITS_HOST_ONLY = new Set(["strict-transport-security", "alt-svc", SERVED_BY]);

/** Makes the response of a deployed host one of this proxy: its redirects lead back here, and its cookies stay here. */
export function localized({ url, basePath }: ProxyTarget): (head: ResponseHead) => RawFields {
  const { origin } = new URL(url);
  return ({ fields }) => {
    const kept: string[] = [];
    for (let i = 0; i < fields.length; i += 2) {
      const name = fields[i] as string;
      const value = fields[i + 1] as string;
      const known = name.toLowerCase();
      if (FOR_ITS_HOST_ONLY.has(known)) continue;
      if (known === "location") kept.push(name, localLocation(value, origin, basePath));
      else kept.push(name, known === "set-cookie" ? localCookie(value) : value);
    }
    return [...kept, SERVED_BY, `fallback ${origin}`];
  };
}

/** Redirects to anywhere else, another base path of that host included, are not ours to bend. */
function localLocation(location: string, origin: string, basePath: string): string {
  const isWhole = location.toLowerCase().startsWith(origin);
  const path = isWhole ? location.slice(origin.length) : location;
  if (!path.startsWith(basePath)) return location;
  const rest = path.slice(basePath.length);
  const isOurs = isWhole || basePath !== "";
  if (rest === "" && isOurs) return "/";
  if (!isOurs || !/^(?:[?#]|\/(?!\/))/.test(rest)) return location;
  return rest.startsWith("/") ? rest : `/${rest}`;
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
