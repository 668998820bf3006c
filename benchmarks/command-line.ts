// What the suites share of a command line: checked numbers, lists of names, and a line of progress.

/** The option as a number above zero; TypeError for anything else. */
export function positive(name: string, text: string): number {
  const value = Number(text);
  if (value > 0) return value;
  throw new TypeError(`--${name} takes a number above zero, not "${text}".`);
}

/** The entry of that name; TypeError, with all names, when there is none. */
export function findNamed<T extends { name: string }>(
  list: readonly T[],
  what: string,
  name: string | undefined,
): T {
  const entry = list.find((candidate) => candidate.name === name);
  if (entry !== undefined) return entry;
  const known = list.map((candidate) => candidate.name).join(", ");
  throw new TypeError(`There is no ${what} "${name}". There are: ${known}.`);
}

export function showProgress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`);
}
