// Validation through Standard Schema (https://standardschema.dev), so any library that implements it fits.

import { CrosswireError } from "../errors.ts";

/** The part of the Standard Schema interface, version 1, that Crosswire uses. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

export type InputOf<Schema> = Schema extends StandardSchema<infer Input, unknown> ? Input : never;
export type OutputOf<Schema> =
  Schema extends StandardSchema<unknown, infer Output> ? Output : never;

const SHOWN_ISSUES = 5;

/** What the schema makes of `value`; a promise only when the schema is asynchronous. Throws XW_INVALID. */
export function validate(schema: StandardSchema, value: unknown, what: string): unknown {
  const result = schema["~standard"].validate(value);
  return result instanceof Promise
    ? result.then((settled) => accept(settled, what))
    : accept(result, what);
}

function accept(result: SchemaResult<unknown>, what: string): unknown {
  if (result.issues === undefined) return result.value;
  const issues = result.issues.map(({ message, path }) => ({ message, path: pathOf(path) }));
  const shown = issues
    .slice(0, SHOWN_ISSUES)
    .map(({ message, path }) => (path === "" ? message : `${path}: ${message}`));
  const more = issues.length > SHOWN_ISSUES ? ` (and ${issues.length - SHOWN_ISSUES} more)` : "";
  throw new CrosswireError(
    "XW_INVALID",
    `${what} does not match its schema: ${shown.join("; ")}${more}`,
    {
      detail: { issues },
    },
  );
}

function pathOf(path: SchemaIssue["path"]): string {
  return (path ?? []).map((step) => String(typeof step === "object" ? step.key : step)).join(".");
}
