/** Values as text. Nothing is stripped: what cannot be seen is shown as a visible sign. */

import { isContainer, type Json } from "../protocol/json.ts";

const CELL_LENGTH_MAX = 500;
const PREVIEW_ITEMS_MAX = 4;

// Controls, and what is there but not seen: a feed could use it to reorder text, or to make two values look alike. What
// chooses between the looks of the character before it (an emoji's) does neither.
const UNSEEN = /[\p{Cc}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}](?<![\ufe00-\ufe0f])/gu;
const CONTROL_PICTURES = 0x2400;

export function visible(text: string): string {
  if (text.length <= CELL_LENGTH_MAX) return text.replace(UNSEEN, glyph);
  // Not through the middle of a character.
  return text.slice(0, CELL_LENGTH_MAX).replace(/[\ud800-\udbff]$/, "").replace(UNSEEN, glyph) + "…";
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
  // The keys of a long list would be as many texts, made only to be counted.
  const size = isList ? value.length : Object.keys(value).length;
  const isFlat = size <= PREVIEW_ITEMS_MAX && !Object.values(value).some(isContainer);
  if (!isFlat) return isList ? `[${counted(size, "item")}]` : `{${counted(size, "member")}}`;
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
