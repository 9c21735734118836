/** Which part of a document is a table, and what its columns are. */

import { isContainer, isObject, type Container, type Json } from "../protocol/json.ts";
import { cellText, decimalsOf } from "./format.ts";

export const ROWS_MAX = 50_000;
export const COLUMNS_MAX = 2_000;
const SAMPLE_MAX = 200;
/** A wide table is sampled by fewer rows, so that looking at it costs no more than looking at a long one. */
const SAMPLED_CELLS_MAX = 20_000;
const SAMPLE_MIN = 20;
const DEPTH_MAX = 4;
const BREADTH_MAX = 50;
const DECIMALS_MAX = 8;

export interface Table {
  /** Where in the document the table is. */
  path: string[];
  rows: Container[];
  /** Names of the rows when they are members of an object rather than items of a list. */
  names: string[] | null;
  total: number;
}

export interface Column {
  key: string;
  isNumeric: boolean;
  decimals: number;
  /** The longest text among the sampled values and the name: what the column should have room for. */
  widest: string;
}

/** The largest list (or object) of objects or lists in the upper levels of a document; null if there is none. */
export function findTable(document: Json | undefined): Table | null {
  let best: Table | null = null;
  let level: { path: string[]; value: Json }[] = [{ path: [], value: document ?? null }];
  for (let depth = 0; depth < DEPTH_MAX && level.length > 0; depth += 1) {
    for (const { path, value } of level) best = larger(best, asTable(path, value));
    level = level.flatMap(({ path, value }) => membersOf(path, value));
  }
  return best;
}

export function cellOf(row: Container, key: string): Json | undefined {
  return Object.hasOwn(row, key) ? (row as Record<string, Json>)[key] : undefined;
}

/** Every column that any row has, in the order they first appear; how its values look is told by a sample of the rows. */
export function columnsOf(table: Table): Column[] {
  const keys = keysOf(table.rows);
  const sample = spread(table.rows, Math.max(SAMPLE_MIN, Math.min(SAMPLE_MAX, Math.floor(SAMPLED_CELLS_MAX / Math.max(1, keys.length)))));
  return keys.map((key) => describe(key, sample.map((row) => cellOf(row, key))));
}

function keysOf(rows: readonly Container[]): string[] {
  const keys = new Set<string>();
  let last: readonly string[] = [];
  let length = 0;
  for (const row of rows) {
    if (Array.isArray(row)) length = Math.max(length, row.length);
    else if (keys.size < COLUMNS_MAX) {
      const own = Object.keys(row);
      // Most rows have the keys of the one before.
      if (own.length === last.length && own.every((key, i) => key === last[i])) continue;
      for (const key of own) keys.add(key);
      last = own;
    }
  }
  for (let i = 0; i < Math.min(length, COLUMNS_MAX); i += 1) keys.add(String(i));
  return [...keys].slice(0, COLUMNS_MAX);
}

function larger(a: Table | null, b: Table | null): Table | null {
  if (a === null || b === null) return a ?? b;
  // A list is a table by nature; an object of objects only looks like one.
  const weight = (table: Table) => table.total * (table.names === null ? 8 : 1);
  return weight(b) > weight(a) ? b : a;
}

function asTable(path: string[], value: Json): Table | null {
  if (!isContainer(value)) return null;
  const items = Array.isArray(value) ? value : Object.values(value);
  const least = Array.isArray(value) ? 1 : 3;
  if (items.length < least || !items.every(isContainer)) return null;
  const isUniform = Array.isArray(value) || shareKeys(items.slice(0, SAMPLE_MAX) as Container[]);
  if (!isUniform) return null;
  const names = Array.isArray(value) ? null : Object.keys(value).slice(0, ROWS_MAX);
  return { path, rows: items.slice(0, ROWS_MAX) as Container[], names, total: items.length };
}

function shareKeys(rows: readonly Container[]): boolean {
  const [first] = rows;
  const keys = Object.keys(first as Container);
  return keys.length > 0 && rows.every((row) => isObject(row) && keys.some((key) => Object.hasOwn(row, key)));
}

function membersOf(path: string[], value: Json): { path: string[]; value: Json }[] {
  if (!isObject(value)) return [];
  return Object.keys(value)
    .slice(0, BREADTH_MAX)
    .map((key) => ({ path: [...path, key], value: value[key] as Json }));
}

function describe(key: string, values: (Json | undefined)[]): Column {
  const present = values.filter((value) => value !== undefined && value !== null);
  const isNumeric = present.length > 0 && present.every((value) => typeof value === "number" || typeof value === "bigint");
  const digits = present.map((value) => (typeof value === "number" ? decimalsOf(value) : 0));
  const decimals = isNumeric ? Math.min(DECIMALS_MAX, Math.max(...digits)) : 0;
  return { key, isNumeric, decimals, widest: longest([key, ...present.map((value) => cellText(value, decimals))]) };
}

export function longest(texts: readonly string[]): string {
  return texts.reduce((a, b) => (b.length > a.length ? b : a), "");
}

/** Rows from the whole length, not only the top: the top of a sorted table looks unlike the rest. */
function spread(rows: Container[], count: number): Container[] {
  if (rows.length <= count) return rows;
  return Array.from({ length: count }, (_, i) => rows[Math.floor((i * rows.length) / count)] as Container);
}
