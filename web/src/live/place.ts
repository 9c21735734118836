/** A place in a document that stays with its record: rows that come or go above it give it another path, not another record. */

import { isContainer, type Container, type Json } from "../protocol/json.ts";
import type { Touch } from "../protocol/patch.ts";

export interface Place {
  path: readonly (string | number)[];
  /** The containers on the way, from the document down; the last is the place itself where it is one. */
  trail: readonly Container[];
}

export function placeAt(document: Json, path: readonly (string | number)[]): Place {
  const trail: Container[] = [];
  let at: Json | undefined = document;
  for (const key of [...path, null]) {
    if (!isContainer(at)) break;
    trail.push(at);
    at = key === null ? undefined : member(at, key);
  }
  return { path, trail };
}

/** The value there; undefined where there is none. */
export function valueAt({ path, trail }: Place): Json | undefined {
  const last = trail.at(-1);
  if (last === undefined || trail.length > path.length) return last;
  return member(last, path.at(-1) as string | number);
}

/** Which container took another's place as it was; what is not in it was moved, or is gone. */
export type Heirs = ReadonlyMap<Container, Container>;

export function heirsOf(touched: readonly Touch[]): Heirs {
  const heirs = new Map<Container, Container>();
  for (const { before, after } of touched) if (isContainer(before) && isContainer(after)) heirs.set(before, after);
  return heirs;
}

/** Where a place is now; null if its record is gone. In a document that is another one than before its path decides. */
export function settled({ path, trail }: Place, document: Json, heirs: Heirs): Place | null {
  const now: (string | number)[] = [];
  let at: Json | undefined = document;
  for (const [depth, key] of path.entries()) {
    if (!isContainer(at)) return null;
    const next = trail[depth + 1];
    const found: string | number | null = next === undefined ? key : keyOf(at, key, latest(next, heirs), at === trail[depth]);
    at = found === null ? undefined : member(at, found);
    if (found === null || at === undefined) return null;
    now.push(found);
  }
  return placeAt(document, now);
}

/** Where a container lies in another one; `isSame`: the other is the one that held it before. */
function keyOf(parent: Container, key: string | number, child: Container, isSame: boolean): string | number | null {
  if (member(parent, key) === child) return key;
  const index = Array.isArray(parent) ? parent.indexOf(child as Json) : -1;
  if (index >= 0) return index;
  return isSame ? null : key;
}

function latest(container: Container, heirs: Heirs): Container {
  let last = container;
  for (let heir = heirs.get(last); heir !== undefined; heir = heirs.get(last)) last = heir;
  return last;
}

function member(container: Container, key: string | number): Json | undefined {
  return Object.hasOwn(container, key) ? (container as { [key: string]: Json })[key] : undefined;
}
