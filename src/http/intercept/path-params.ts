// What the compiler reads out of a path: `/users/:id` has a parameter `id`. Nothing of this exists at run time.

/** The parameters of a path that is written out; of any other string, whatever they may be. */
export type PathParams<Path extends string> = string extends Path
  ? Record<string, string>
  : Flatten<Scan<Path, Wildcard<Path>>>;

type Flatten<T> = { [K in keyof T]: T[K] };
type Wildcard<Path extends string> = Path extends `${string}*` ? { "*": string } : unknown;

/** From colon to colon; two of them stand for the character itself. */
type Scan<Path extends string, Found> = Path extends `${string}:${infer Rest}`
  ? Rest extends `:${infer After}`
    ? Scan<After, Found>
    : Name<Rest, ""> extends [infer Param, infer After extends string]
      ? Scan<After, Found & Param>
      : never
  : Found;

/** A name ends at `/`, `-`, `.`, at the regular expression it has to match, or at a final question mark. */
type Name<Text extends string, Read extends string> = Text extends `${infer Char}${infer Rest}`
  ? Char extends "/" | "-" | "."
    ? [Record<Read, string>, Text]
    : Char extends "("
      ? [Record<Read, string>, AfterRegex<Rest, [true]>]
      : Char extends "?"
        ? [Partial<Record<Read, string>>, Rest]
        : Name<Rest, `${Read}${Char}`>
  : [Record<Read, string>, ""];

/** `Open` has an element for each parenthesis that is not closed yet. */
type AfterRegex<
  Text extends string,
  Open extends true[],
> = Text extends `${infer Char}${infer Rest}`
  ? Char extends "("
    ? AfterRegex<Rest, [...Open, true]>
    : Char extends ")"
      ? Open extends [true, ...infer Still extends [true, ...true[]]]
        ? AfterRegex<Rest, Still>
        : Rest
      : Char extends "\\"
        ? AfterRegex<Rest extends `${string}${infer After}` ? After : "", Open>
        : AfterRegex<Rest, Open>
  : "";
