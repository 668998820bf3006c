// What a handler gets as the body: a value by its content type.

import { isCrosswireError } from "../../errors.ts";
import { parseJson } from "../../wire/json.ts";
import { HttpRefusal } from "./http-refusal.ts";

type Form = Record<string, string | string[]>;

/** A value, text, a form, FormData, or the bytes themselves; nothing is undefined. Throws, or rejects with, a refusal. */
export function parseBody(bytes: Buffer, contentType: string, maxDepth: number): unknown {
  if (bytes.length === 0) return undefined;
  const mediaType = (contentType.split(";", 1)[0] ?? "").trim().toLowerCase();
  if (mediaType === "application/json" || mediaType.endsWith("+json")) {
    return jsonOf(decodeText(bytes, contentType), maxDepth);
  }
  if (mediaType.startsWith("text/")) return decodeText(bytes, contentType);
  if (mediaType === "application/x-www-form-urlencoded") {
    return formOf(decodeText(bytes, contentType));
  }
  if (mediaType === "multipart/form-data") return multipartOf(bytes, contentType);
  return bytes;
}

function jsonOf(text: string, maxDepth: number): unknown {
  try {
    return parseJson(text, maxDepth);
  } catch (error) {
    if (isCrosswireError(error, "XW_LIMIT")) throw new HttpRefusal(400, error.code, error.message);
    const { message } = (error as Error).cause as Error;
    throw new HttpRefusal(400, "XW_INVALID", `The body is not JSON: ${message}.`);
  }
}

/** Fields without a prototype, so that no name finds anything that was not sent. */
function formOf(text: string): Form {
  const form = Object.create(null) as Form;
  for (const [name, value] of new URLSearchParams(text)) {
    const known = form[name];
    if (known === undefined) form[name] = value;
    else if (typeof known === "string") form[name] = [known, value];
    else known.push(value);
  }
  return form;
}

async function multipartOf(bytes: Buffer, contentType: string): Promise<FormData> {
  try {
    // oxlint-disable-next-line typescript/no-deprecated -- advises busboy for what does not fit in memory; this does.
    return await new Response(bytes, { headers: { "content-type": contentType } }).formData();
  } catch (error) {
    const text = `The body is not multipart/form-data: ${(error as Error).message}.`;
    throw new HttpRefusal(400, "XW_INVALID", text);
  }
}

function decodeText(bytes: Buffer, contentType: string): string {
  const charset =
    /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(contentType)?.[1]?.toLowerCase() ?? "utf-8";
  // The decoder below would take it for windows-1252, as browsers do.
  if (charset === "iso-8859-1" || charset === "latin1") return bytes.toString("latin1");
  try {
    return new TextDecoder(charset).decode(bytes);
  } catch {
    const shown = JSON.stringify(charset.slice(0, 80));
    throw new HttpRefusal(415, "XW_REFUSED", `The charset ${shown} is not known here; use utf-8.`);
  }
}
