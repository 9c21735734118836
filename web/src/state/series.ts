/** Numbers over time, as the server's history tells them, and where a document has some. */

import type { Point, Series } from "../api/types.ts";
import { isContainer, type Json } from "../protocol/json.ts";
import { keysOf, writePointer } from "../protocol/pointer.ts";

/** Bounds what a single chart may ask of the server. */
const PAGES_MAX = 20;
const BUCKETS = 240;
const PATHS_MAX = 300;
const LOOKED_AT_MAX = 20_000;

/** How far back a chart can look. */
export const WINDOWS = [
  { name: "5 min", ms: 300_000 },
  { name: "1 h", ms: 3_600_000 },
  { name: "24 h", ms: 86_400_000 },
  { name: "7 d", ms: 604_800_000 },
] as const;

export function bucketS(windowMs: number): number {
  return Math.max(1, Math.round(windowMs / 1_000 / BUCKETS));
}

/** Every page of the answer as one; a bucket that was cut in two is put together again. */
export async function wholeSeries(ask: (from: number) => Promise<Series>, from: number): Promise<Series> {
  let series = await ask(from);
  for (let page = 1; page < PAGES_MAX && series.next; page += 1) {
    const more = await ask(series.next);
    const { next, ...rest } = series;
    series = { ...rest, points: joined(series.points, more.points), ...(more.next && more.next !== next ? { next: more.next } : {}) };
  }
  return series;
}

function joined(first: readonly Point[], second: readonly Point[]): Point[] {
  const [last, next] = [first.at(-1), second[0]];
  if (last === undefined || next === undefined || last.at !== next.at) return [...first, ...second];
  const heldMs = last.heldMs + next.heldMs;
  const [min, max] = [Math.min(last.min, next.min), Math.max(last.max, next.max)];
  const weighed = heldMs > 0 ? (last.mean * last.heldMs + next.mean * next.heldMs) / heldMs : next.mean;
  // Rounded, it could lie beside the only value there was.
  const mean = Math.min(max, Math.max(min, weighed));
  const both = { at: last.at, count: last.count + next.count, min, max, mean, last: next.last, heldMs };
  return [...first.slice(0, -1), both, ...second.slice(1)];
}

/** Pointers of the document's numbers (and texts that are one), a bounded walk from the top. */
export function numericPaths(document: Json | undefined): string[] {
  const found: string[] = [];
  const waiting: { path: (string | number)[]; value: Json }[] = document === undefined ? [] : [{ path: [], value: document }];
  for (let i = 0; i < waiting.length && i < LOOKED_AT_MAX && found.length < PATHS_MAX; i += 1) {
    const { path, value } = waiting[i] as (typeof waiting)[number];
    if (isNumeric(value)) found.push(writePointer(path));
    if (!isContainer(value) || waiting.length > LOOKED_AT_MAX) continue;
    for (const key of Object.keys(value)) waiting.push({ path: [...path, key], value: (value as Record<string, Json>)[key] as Json });
  }
  return found;
}

/** The number at a pointer; null where there is none. */
export function numberAt(document: Json | undefined, pointer: string): number | null {
  let value = document;
  // What somebody typed may be no pointer: then the server says so.
  for (const key of pointer.startsWith("/") ? keysOf(pointer) : []) {
    value = isContainer(value) && Object.hasOwn(value, key) ? (value as Record<string, Json>)[key] : undefined;
  }
  return isNumeric(value) ? Number(value) : null;
}

export function isNumeric(value: Json | undefined): boolean {
  if (typeof value === "number" || typeof value === "bigint") return true;
  return typeof value === "string" && /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(value);
}
