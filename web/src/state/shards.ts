/** Whose which shard is, in words: a colour says it only to some, and a mouse is no keyboard. */

import type { FleetKind } from "../api/types.ts";

/** Each owner by name with its shards, and last, under null, those that nobody owns. */
export function shardsOf({ shards, owners }: Pick<FleetKind, "shards" | "owners">): Map<string | null, number[]> {
  const found = Map.groupBy(Array.from({ length: shards }, (_, shard) => shard), (shard) => owners[String(shard)] ?? null);
  return new Map([...found].sort(([a], [b]) => (a === null ? 1 : b === null ? -1 : a.localeCompare(b))));
}

/** Rising numbers, with the first and last of those that follow each other: `0–3, 7`. */
export function spans(numbers: readonly number[]): string {
  const runs: [number, number][] = [];
  for (const n of numbers) {
    const run = runs.at(-1);
    if (run?.[1] === n - 1) run[1] = n;
    else runs.push([n, n]);
  }
  return runs.map(([first, last]) => (first === last ? `${first}` : `${first}–${last}`)).join(", ");
}
