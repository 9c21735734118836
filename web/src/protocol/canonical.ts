/**
 * The canonical form of a document: what decides whether two states are the same.
 *
 * JSON after RFC 8785 (keys in UTF-16 order, ECMAScript numbers) with one widening: integers beyond 2^53 keep every
 * digit. The vectors in `tests/protocol/canonical.json` hold this module and the server's to the same bytes.
 */

import { isContainer, type Json } from "./json.ts";

const HASH_LENGTH = 16;

/** Deeper than any real document, and far from the end of the stack. */
export const DEPTH_MAX = 512;

export class NotCanonical extends Error {}

export function canonical(value: Json, depth = 0): string {
  if (depth > DEPTH_MAX) throw new NotCanonical(`the document is deeper than ${DEPTH_MAX} levels`);
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "number" && !Number.isFinite(value)) throw new NotCanonical(`${value} has no JSON form`);
  if (!isContainer(value)) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item) => canonical(item, depth + 1)).join()}]`;
  // The default sort compares UTF-16 code units, which is the order RFC 8785 asks for.
  const members = Object.keys(value).sort();
  return `{${members.map((key) => `${JSON.stringify(key)}:${canonical(value[key] as Json, depth + 1)}`).join()}}`;
}

/** 16 hex digits of SHA-256 of the canonical form. */
export async function hashOf(value: Json): Promise<string> {
  const bytes = new TextEncoder().encode(canonical(value));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("").slice(0, HASH_LENGTH);
}

/** Whether two values are one value: `1` and `1.0` are, `1` and `true` are not. */
export function same(a: Json, b: Json): boolean {
  return a === b || (typeof a === typeof b || isNumber(a, b) ? canonical(a) === canonical(b) : false);
}

function isNumber(...values: Json[]): boolean {
  return values.every((value) => typeof value === "number" || typeof value === "bigint");
}
