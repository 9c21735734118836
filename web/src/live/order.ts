/** Which rows are shown, and in which order. */

import { isContainer, type Container, type Json } from "../protocol/json.ts";
import { cellText } from "./format.ts";
import { matcher, type Matches } from "./narrow.ts";
import { cellOf, type Column, type Table } from "./table.ts";

export interface Sort {
  key: string;
  isDown: boolean;
}

export interface Wanted {
  /** Words that a row must hold, in any column. */
  query: string;
  /** By column, what its cell must match. */
  filters: ReadonlyMap<string, string>;
  sort: Sort | null;
}

export function isPlain({ query, filters, sort }: Wanted): boolean {
  return sort === null && query.trim() === "" && filters.size === 0;
}

/** Indexes into `table.rows`. */
export function arrange(table: Table, columns: readonly Column[], { query, filters, sort }: Wanted): number[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const matchers = [...filters].map(([key, typed]): [string, Matches] => [key, matcher(typed)]);
  const indexes = [...table.rows.keys()].filter(
    (i) =>
      matchers.every(([key, matches]) => matches(cellOf(table.rows[i] as Container, key))) &&
      (words.length === 0 || hasWords(table, i, columns, words)),
  );
  if (sort === null) return indexes;
  const keys = table.rows.map((row) => cellOf(row, sort.key));
  const sign = sort.isDown ? -1 : 1;
  return indexes.sort((a, b) => compareCells(keys[a], keys[b], sign) || a - b);
}

/**
 * The order that somebody is reading, held still: records that are still there keep their places, and what is new to
 * the table comes after them.
 */
export function heldOrder(before: Table, order: readonly number[], now: Table, wanted: readonly number[]): number[] {
  const places = new Map(now.rows.map((row, i) => [row, i]));
  const known = new Set(before.rows);
  const kept = order.map((i) => places.get(before.rows[i] as Container)).filter((i) => i !== undefined);
  return [...kept, ...wanted.filter((i) => !known.has(now.rows[i] as Container))];
}

/** none → up → down → none. */
export function nextSort(sort: Sort | null, key: string): Sort | null {
  if (sort?.key !== key) return { key, isDown: false };
  return sort.isDown ? null : { key, isDown: true };
}

function hasWords(table: Table, index: number, columns: readonly Column[], words: readonly string[]): boolean {
  const row = table.rows[index] as Container;
  const cells = columns.map(({ key, decimals }) => cellText(cellOf(row, key), decimals));
  const text = [table.names?.[index] ?? "", ...cells].join("\n").toLowerCase();
  return words.every((word) => text.includes(word));
}

/** Numbers before texts before the rest; what is missing stays last in both directions. */
function compareCells(a: Json | undefined, b: Json | undefined, sign: number): number {
  const [classA, classB] = [classOf(a), classOf(b)];
  if (classA !== classB) return classA === 3 || classB === 3 ? classA - classB : sign * (classA - classB);
  if (classA === 0) return sign * ((a as number) < (b as number) ? -1 : (a as number) > (b as number) ? 1 : 0);
  if (classA === 1) return sign * COLLATOR.compare(a as string, b as string);
  return sign * COLLATOR.compare(String(a), String(b));
}

const COLLATOR = new Intl.Collator(undefined, { numeric: true });

function classOf(value: Json | undefined): number {
  if (value === undefined || value === null) return 3;
  if (typeof value === "number" || typeof value === "bigint") return 0;
  return typeof value === "string" ? 1 : isContainer(value) ? 3 : 2;
}
