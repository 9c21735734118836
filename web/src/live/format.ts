/** Values as text. Nothing is stripped: what cannot be seen is shown as a visible sign. */

import { isContainer, type Json } from "../protocol/json.ts";

const CELL_LENGTH_MAX = 500;
const PREVIEW_ITEMS_MAX = 4;

// C0 and C1 controls, and the marks that reorder text (a feed could use them to lie about what it says).
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;
const CONTROL_PICTURES = 0x2400;

export function visible(text: string): string {
  return text.slice(0, CELL_LENGTH_MAX).replace(UNSEEN, glyph) + (text.length > CELL_LENGTH_MAX ? "…" : "");
}

function glyph(character: string): string {
  const code = character.charCodeAt(0);
  return code < 0x20 ? String.fromCharCode(CONTROL_PICTURES + code) : "␣";
}

/** A value on one line. `decimals` pads a number, so that a column of them lines up. */
export function cellText(value: Json | undefined, decimals = 0): string {
  if (value === undefined) return "";
  if (typeof value === "string") return visible(value);
  if (typeof value === "number" && decimals > 0) return padded(value, decimals);
  return isContainer(value) ? preview(value) : String(value);
}

/** `{5 members}`, `[9 items]`; small ones are spelled out. */
export function preview(value: Json): string {
  if (!isContainer(value)) return typeof value === "string" ? `"${visible(value)}"` : String(value);
  const isList = Array.isArray(value);
  const keys = Object.keys(value);
  const isFlat = keys.length <= PREVIEW_ITEMS_MAX && !Object.values(value).some(isContainer);
  if (!isFlat) return isList ? `[${counted(keys.length, "item")}]` : `{${counted(keys.length, "member")}}`;
  const inside = isList
    ? value.map(preview).join(", ")
    : Object.entries(value).map(([key, item]) => `${visible(key)}: ${preview(item)}`).join(", ");
  return visible(isList ? `[${inside}]` : `{${inside}}`);
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

export function decimalsOf(value: number): number {
  const text = String(value);
  return text.includes("e") ? 0 : (text.split(".")[1]?.length ?? 0);
}

function padded(value: number, decimals: number): string {
  return decimalsOf(value) <= decimals && !String(value).includes("e") ? value.toFixed(decimals) : String(value);
}
