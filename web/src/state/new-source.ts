/** From what was typed into the form to what the API takes, and from its answer back to the fields. */

import type { FieldError } from "../api/problem.ts";
import type { NewSource } from "../api/types.ts";

export type Typed = Readonly<Record<string, string>>;

const SHEET = /^https:\/\/docs\.google\.com\/spreadsheets\//;

export const FIELDS = [
  "url", "name", "pollingInterval", "dataFormat", "headers", "apiKey", "authScheme", "authName", "selector", "ignore",
  "keyColumn", "tags",
] as const;

export function isSheet(url: string): boolean {
  return SHEET.test(url.trim());
}

/** A name to start from: the host and the last part of the path. */
export function suggestedName(url: string): string {
  const address = URL.parse(url.trim());
  if (address === null) return "";
  const last = address.pathname.split("/").filter(Boolean).at(-1) ?? "";
  return [address.hostname, last].filter(Boolean).join(" · ");
}

/** Leaves out what was left empty, so that the server's own defaults hold. */
export function toSource(typed: Typed): NewSource {
  const text = (name: string) => (typed[name] ?? "").trim();
  const source: NewSource = {
    name: text("name") || suggestedName(text("url")),
    type: isSheet(text("url")) ? "googleSheet" : "external",
    dataFormat: (text("dataFormat") || "auto") as NewSource["dataFormat"],
    url: text("url"),
    pollingInterval: Number(text("pollingInterval")),
  };
  if (text("headers")) source.headers = readHeaders(text("headers"));
  if (text("apiKey")) Object.assign(source, { apiKey: text("apiKey"), auth: readAuth(text) });
  if (text("selector")) source.selector = text("selector");
  if (text("ignore")) source.ignore = lines(text("ignore"));
  if (text("keyColumn")) source.keyColumn = text("keyColumn");
  if (text("tags")) source.tags = text("tags").split(",").map((tag) => tag.trim()).filter(Boolean);
  return source;
}

/** The first message for each field of the form; what belongs to none is under `""`. */
export function toFields(errors: readonly FieldError[]): ReadonlyMap<string, string> {
  const byField = new Map<string, string>();
  for (const { field, message } of errors) {
    const name = fieldOf(field);
    if (!byField.has(name)) byField.set(name, name === "" && field ? `${field}: ${message}` : message);
  }
  return byField;
}

function fieldOf(field: string): string {
  const [first = "", second] = field.split(/[.[/]/).filter(Boolean);
  if (first === "auth") return second === "scheme" ? "authScheme" : "authName";
  // The kind is found from the address, so what is wrong with it is to be mended there.
  if (first === "type") return "url";
  return (FIELDS as readonly string[]).includes(first) ? first : "";
}

/** One `Name: value` a line. A line without a colon is sent as a name without value: the server says what is wrong. */
function readHeaders(text: string): Record<string, string> {
  return Object.fromEntries(
    lines(text).map((line) => {
      const colon = line.indexOf(":");
      return colon < 0 ? [line, ""] : [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
    }),
  );
}

function readAuth(text: (name: string) => string): NonNullable<NewSource["auth"]> {
  const scheme = (text("authScheme") || "header") as NonNullable<NewSource["auth"]>["scheme"];
  return { scheme, name: text("authName") || "X-API-Key" };
}

function lines(text: string): string[] {
  return text.split("\n").map((line) => line.trim()).filter(Boolean);
}
