// What a handler could possibly want, told in advance: a method, and what the URL looks like. A request that nobody could
// want is let go without asking anybody.

/** What all URLs have in common that match, without query and fragment, and written as `URL` writes them. */
export class Interest {
  /** In capitals; "*" stands for any. */
  readonly method: string;
  /** `*` stands for whatever is between. One that begins with a slash is for the path, whatever the origin. */
  readonly outline: string;
  readonly isPath: boolean;
  readonly begin: Literal;
  readonly middle: readonly string[];
  /** Undefined where nothing follows `begin`. */
  readonly end: Literal | undefined;

  constructor(method: string, outline: string) {
    const [begin = "", ...rest] = outline.toLowerCase().split("*");
    const end = rest.pop()?.replace(SLASHES_AT_END, "");
    this.method = method;
    this.outline = outline;
    this.isPath = begin.startsWith("/");
    this.begin = marked(begin, begin.replace(SLASHES_AT_END, "").length - 1);
    this.middle = rest.filter((literal) => literal !== "");
    this.end = end === undefined ? undefined : marked(end, end.lastIndexOf("/") + 1);
  }
}

/** Never says no to what would match; it may say yes to what does not. */
export function mayMatch(interests: readonly Interest[], method: string, url: string): boolean {
  let capitals: string | undefined;
  // HOT: benchmarks/cpri. Asked for every request of the application.
  for (const interest of interests) {
    if (interest.method !== "*" && interest.method !== method) {
      // fetch leaves the case of unusual methods as it is.
      capitals ??= method.toUpperCase();
      if (interest.method !== capitals) continue;
    }
    if (url !== subject.url) readSubject(url);
    if (isLike(interest)) return true;
  }
  return false;
}

/** Of many literals nearly none is right, and most differ in this one character, which costs less than the others. */
interface Literal {
  readonly text: string;
  readonly mark: number;
  readonly code: number;
}

const SLASH = 47;
const SLASHES_AT_END = /\/+$/;

function marked(text: string, at: number): Literal {
  const mark = Math.max(at, 0);
  return { text, mark, code: text.charCodeAt(mark) };
}

const ORIGIN = String.raw`(?:https?|wss?)://(?:127\.0\.0\.1|(?:[a-z0-9_-]+\.)*[a-z][a-z0-9_-]*)(?::(?!80/|443/)[1-9]\d*)?`;
const CHAR = "[a-z0-9_~!$&'()*+,;=:@.-]";
/**
 * URLs that are surely written as `URL` writes them: nothing to encode, no user, no number in place of a host name, no
 * port that could be the default one, no segment that could be a dot. `PLAIN` has no capitals and no `%` either.
 */
const PLAIN = new RegExp(String.raw`^${ORIGIN}(?:/(?!\.)${CHAR}*)+(?=[?#]|$)`, "y");
const NORMAL = new RegExp(String.raw`^${ORIGIN}(?:/(?!\.)(?:${CHAR}|%(?!2e))*)+(?=[?#]|$)`, "iy");

/** What outlines are compared with. There is only one, so that a request needs none of its own. */
const subject = {
  url: "",
  /** In lower case: MSW 2 does not mind the case of a path. What is behind `end` is not looked at. */
  text: "",
  /** Where the path begins; -1 as long as nobody asked. */
  path: -1,
  end: 0,
  /** Likewise, without slashes there: one may be too much. */
  tail: 0,
  /** At the first `%`. MSW 3 takes what is encoded for what it stands for, so anything may follow. */
  isCut: false,
};

function readSubject(url: string): void {
  subject.url = url;
  PLAIN.lastIndex = 0;
  const isPlain = PLAIN.test(url);
  const text = isPlain ? url : normalised(url).toLowerCase();
  const end = isPlain ? PLAIN.lastIndex : text.length;
  const cut = isPlain ? -1 : text.indexOf("%");
  subject.text = text;
  subject.path = -1;
  subject.isCut = cut !== -1;
  subject.end = subject.isCut ? cut : end;
  subject.tail = subject.end;
  while (text.charCodeAt(subject.tail - 1) === SLASH) subject.tail--;
}

/** What handlers look at, too: of a user and a password they know nothing. */
function normalised(url: string): string {
  NORMAL.lastIndex = 0;
  if (NORMAL.test(url)) return url.slice(0, NORMAL.lastIndex);
  if (!URL.canParse(url)) return url;
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}

function isLike({ isPath, begin, middle, end }: Interest): boolean {
  const { text } = subject;
  const from = isPath ? pathOfSubject() : 0;
  let at = from + begin.text.length;
  if (at > subject.end)
    return subject.isCut && begin.text.startsWith(text.slice(from, subject.end));
  if (!stands(begin, from)) return false;
  if (subject.isCut) return true;
  if (end === undefined) return at >= subject.tail;
  const last = end.text === "" ? subject.end : subject.tail - end.text.length;
  if (!stands(end, last)) return false;
  for (const literal of middle) {
    const found = text.indexOf(literal, at);
    if (found === -1) return false;
    at = found + literal.length;
  }
  return at <= last;
}

function pathOfSubject(): number {
  const { text } = subject;
  if (subject.path === -1) subject.path = Math.max(0, text.indexOf("/", text.indexOf(":") + 3));
  return subject.path;
}

function stands({ text, mark, code }: Literal, at: number): boolean {
  if (text === "") return true;
  return (
    at >= 0 && subject.text.charCodeAt(at + mark) === code && subject.text.startsWith(text, at)
  );
}
