/** What is typed above a column: `> 5`, `<= 5`, `= text`, `! text`, or words that its cells must hold. */

import type { Json } from "../protocol/json.ts";
import { cellText } from "./format.ts";

export type Matches = (value: Json | undefined) => boolean;

const COMPARISON = /^(>=|<=|>|<)\s*(-?[\d.]+(?:e[+-]?\d+)?)$/i;

export function matcher(typed: string): Matches {
  const text = typed.trim().toLowerCase();
  const [, sign, bound] = COMPARISON.exec(text) ?? [];
  if (sign !== undefined) return compared(sign, Number(bound));
  const rest = text.slice(1).trim();
  if (text.startsWith("=")) return (value) => shown(value) === rest;
  if (text.startsWith("!") && rest !== "") return (value) => !shown(value).includes(rest);
  const words = text.split(/\s+/).filter(Boolean);
  return (value) => words.every((word) => shown(value).includes(word));
}

function compared(sign: string, bound: number): Matches {
  return (value) => {
    if (typeof value !== "number" && typeof value !== "bigint") return false;
    if (value === bound) return sign.length === 2;
    return sign.startsWith(">") ? value > bound : value < bound;
  };
}

function shown(value: Json | undefined): string {
  return cellText(value).toLowerCase();
}
