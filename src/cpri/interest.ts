// What a handler could possibly want, told in advance: a method, and how the URL begins. A request that nobody could
// want is let go without asking anybody.

export interface Interest {
  /** In capitals; "*" stands for any. */
  readonly method: string;
  /** The literal beginning of the URLs that match, without query and fragment; "" where nothing is known of it. */
  readonly prefix: string;
}

/**
 * URLs that are surely written as `URL` writes them: nothing to encode, no user, no number in place of a host name, no
 * port that could be the default one, no segment that could be a dot.
 */
const NORMAL =
  /^(?:https?|wss?):\/\/(?:127\.0\.0\.1|(?:[a-z0-9_-]+\.)*[a-z][a-z0-9_-]*)(?::(?!80\/|443\/)[1-9]\d*)?(?:\/(?![.])(?:[\w~!$&'()*+,;=:@.-]|%(?!2[eE]))*)+(?:[?#]|$)/;

/** Never says no to what would match; it may say yes to what does not. */
export function mayMatch(interests: readonly Interest[], method: string, url: string): boolean {
  let capitals: string | undefined;
  let normal: string | undefined;
  // HOT: benchmarks/cpri. Asked for every request of the application.
  for (const interest of interests) {
    if (interest.method !== "*" && interest.method !== method) {
      // fetch leaves the case of unusual methods as it is.
      capitals ??= method.toUpperCase();
      if (interest.method !== capitals) continue;
    }
    if (beginsWith(url, interest.prefix)) return true;
    normal ??= NORMAL.test(url) ? url : normalised(url);
    if (normal !== url && beginsWith(normal, interest.prefix)) return true;
  }
  return false;
}

/**
 * `startsWith`, for many prefixes of which nearly none is right. They tend to begin alike, and to differ at the end or
 * before a last slash.
 */
export function beginsWith(text: string, prefix: string): boolean {
  const last = prefix.length - 1;
  if (last < 1) return text.startsWith(prefix);
  return (
    text.charCodeAt(last - 1) === prefix.charCodeAt(last - 1) &&
    text.charCodeAt(last) === prefix.charCodeAt(last) &&
    text.startsWith(prefix)
  );
}

/** What handlers look at, too: of a user and a password they know nothing. */
function normalised(url: string): string {
  if (!URL.canParse(url)) return url;
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}
