/** From what is typed into the form to what the API takes, and from its answers back to the fields. */

import type { FieldError } from "../api/problem.ts";
import type { NewSource, Patch, Preview, Source } from "../api/types.ts";
import { sentence } from "./interval.ts";

export const FIELDS = [
  "url", "name", "description", "pollingInterval", "dataFormat", "headers", "apiKey", "authScheme", "authName", "selector",
  "ignore", "unordered", "tolerance", "ranges", "header", "keyColumn", "tags",
] as const;
export type FieldName = (typeof FIELDS)[number];
export type Typed = Readonly<Record<FieldName, string>>;
/** By field; what belongs to none is under `""`. */
export type Messages = ReadonlyMap<string, string>;

const SHEET = /^https:\/\/docs\.google\.com\/spreadsheets\//;
const DEFAULT_HEADER = "X-API-Key";
/** Google's quota: the server takes nothing quicker for a sheet. */
const SHEET_INTERVAL_S = "30";
const FEED_INTERVAL_S = "10";

const EMPTY: Typed = {
  url: "", name: "", description: "", pollingInterval: "", dataFormat: "auto", headers: "", apiKey: "", authScheme: "header",
  authName: "", selector: "", ignore: "", unordered: "", tolerance: "", ranges: "", header: "true", keyColumn: "", tags: "",
};

export function typed(some: Partial<Typed> = {}): Typed {
  return { ...EMPTY, ...some };
}

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

export function usualInterval(url: string): string {
  return isSheet(url) ? SHEET_INTERVAL_S : FEED_INTERVAL_S;
}

/** Leaves out what was left empty, so that the server's own defaults hold. */
export function toSource(form: Typed): NewSource {
  const url = form.url.trim();
  const all: NewSource = {
    ...shared(form),
    name: form.name.trim() || suggestedName(url),
    type: isSheet(url) ? "googleSheet" : "external",
    dataFormat: (form.dataFormat || "auto") as NewSource["dataFormat"],
    url,
    pollingInterval: Number(form.pollingInterval.trim() || usualInterval(url)),
  };
  if (form.apiKey.trim()) Object.assign(all, { apiKey: form.apiKey.trim(), auth: readAuth(form) });
  if (isSheet(url) && form.header === "false") all.header = false;
  return all;
}

/** The same for a look at it; a key that is set already is named by its secret. */
export function toPreview(form: Typed, source: Source | null): NewSource {
  const all = toSource(form);
  if (all.apiKey !== undefined || !source?.apiKeySecretId) return all;
  return { ...all, apiKeySecretId: source.apiKeySecretId, auth: readAuth(form) };
}

export function typedOf(source: Source): Typed {
  return typed({
    url: source.url,
    name: source.name,
    description: source.description ?? "",
    pollingInterval: String(source.pollingInterval),
    dataFormat: source.dataFormat,
    headers: Object.entries(source.headers ?? {}).map(([name, value]) => `${name}: ${value}`).join("\n"),
    authScheme: source.auth?.scheme ?? "header",
    authName: source.auth?.name ?? "",
    selector: source.selector ?? "",
    ignore: (source.ignore ?? []).join("\n"),
    unordered: (source.unordered ?? []).join("\n"),
    tolerance: source.tolerance ? String(source.tolerance) : "",
    ranges: (source.ranges ?? []).join("\n"),
    header: String(source.header ?? true),
    keyColumn: source.keyColumn ?? "",
    tags: (source.tags ?? []).join(", "),
  });
}

/** Only what differs from the source; what was emptied is sent as empty. */
export function toPatch(source: Source, form: Typed): Patch {
  const before = typedOf(source);
  const changed = new Set(FIELDS.filter((name) => before[name].trim() !== form[name].trim()));
  const all: Patch = {
    name: form.name.trim(), description: form.description.trim(), url: form.url.trim(),
    pollingInterval: Number(form.pollingInterval), dataFormat: form.dataFormat as NewSource["dataFormat"],
    headers: readHeaders(form.headers), selector: form.selector.trim(), ignore: lines(form.ignore),
    unordered: lines(form.unordered), tolerance: Number(form.tolerance), ranges: lines(form.ranges),
    header: form.header !== "false", keyColumn: form.keyColumn.trim(), tags: readTags(form.tags),
  };
  const patch = Object.fromEntries(Object.entries(all).filter(([name]) => changed.has(name as FieldName))) as Patch;
  if (changed.has("apiKey")) patch.apiKey = form.apiKey.trim();
  if (changed.has("authScheme") || changed.has("authName")) patch.auth = readAuth(form);
  return patch;
}

/** The fields in which two versions differ, as they would be typed. */
export function differences(mine: Typed, theirs: Typed): { name: FieldName; mine: string; theirs: string }[] {
  return FIELDS.filter((name) => name !== "apiKey" && mine[name].trim() !== theirs[name].trim())
    .map((name) => ({ name, mine: mine[name], theirs: theirs[name] }));
}

/** The first message for each field of the form; what belongs to none is under `""`. */
export function toFields(errors: readonly FieldError[]): Messages {
  const byField = new Map<string, string>();
  for (const { field, message } of errors) {
    const name = fieldOf(field);
    if (!byField.has(name)) byField.set(name, name === "" && field ? `${field}: ${message}` : message);
  }
  return byField;
}

/** Which field a failed try is mended in, by the server's word for the reason. */
const MENDED_IN: Readonly<Record<string, FieldName>> = {
  unauthorized: "apiKey", parse: "dataFormat", encoding: "dataFormat", selector: "selector", too_large: "selector",
};
const WARNED_AT: Readonly<Record<string, FieldName>> = {
  volatile: "ignore", unencrypted_key: "apiKey", quota: "pollingInterval", fresh_longer: "pollingInterval",
  slow: "pollingInterval", traffic: "pollingInterval", large: "selector",
};

export function failureOf({ ok, reason, why }: Preview): Messages {
  return ok ? new Map() : new Map([[MENDED_IN[reason ?? ""] ?? "url", why]]);
}

export function warningsOf({ warnings }: Preview): Messages {
  const byField = new Map<string, string>();
  for (const { code, message } of warnings) {
    const field = WARNED_AT[code] ?? "url";
    byField.set(field, [byField.get(field), sentence(message)].filter(Boolean).join(" "));
  }
  return byField;
}

/** Add pointers that are not in the text yet. */
export function withLines(text: string, more: readonly string[]): string {
  return [...new Set([...lines(text), ...more])].join("\n");
}

function shared(form: Typed): Partial<NewSource> {
  const some: Partial<NewSource> = {};
  if (form.description.trim()) some.description = form.description.trim();
  if (form.headers.trim()) some.headers = readHeaders(form.headers);
  if (form.selector.trim()) some.selector = form.selector.trim();
  if (form.ignore.trim()) some.ignore = lines(form.ignore);
  if (form.unordered.trim()) some.unordered = lines(form.unordered);
  if (form.tolerance.trim()) some.tolerance = Number(form.tolerance);
  if (form.ranges.trim()) some.ranges = lines(form.ranges);
  if (form.keyColumn.trim()) some.keyColumn = form.keyColumn.trim();
  if (form.tags.trim()) some.tags = readTags(form.tags);
  return some;
}

function fieldOf(field: string): string {
  const [first = "", second] = field.split(/[.[/]/).filter(Boolean);
  if (first === "auth") return second === "scheme" ? "authScheme" : "authName";
  if (first === "apiKeySecretId") return "apiKey";
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

function readAuth(form: Typed): NonNullable<NewSource["auth"]> {
  const scheme = (form.authScheme || "header") as NonNullable<NewSource["auth"]>["scheme"];
  return { scheme, name: form.authName.trim() || DEFAULT_HEADER };
}

function readTags(text: string): string[] {
  return text.split(",").map((tag) => tag.trim()).filter(Boolean);
}

function lines(text: string): string[] {
  return text.split("\n").map((line) => line.trim()).filter(Boolean);
}
