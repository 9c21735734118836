/** Values as a spreadsheet takes them from the clipboard: tab-separated, and never a formula that a feed wrote. */

import { isContainer, type Json } from "../protocol/json.ts";

/** What a spreadsheet would run instead of show (OWASP, CSV injection). */
const FORMULA = /^[=+\-@\t\r]/;
const NUMBER = /^-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

export function tsv(values: readonly (Json | undefined)[]): string {
  return values.map(cell).join("\t");
}

function cell(value: Json | undefined): string {
  if (value === undefined || value === null) return "";
  if (isContainer(value)) return oneLine(JSON.stringify(value, (_key, item: unknown) => (typeof item === "bigint" ? String(item) : item)));
  if (typeof value !== "string") return String(value);
  return (FORMULA.test(value) && !NUMBER.test(value) ? "'" : "") + oneLine(value);
}

function oneLine(text: string): string {
  return text.replace(/[\t\r\n]+/g, " ");
}
