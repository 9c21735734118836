/** What places held before the changes that were applied here: the history tells what is new, and not what it replaced. */

import { isContainer, type Json } from "./json.ts";
import type { Operation, Touch } from "./patch.ts";

/** As many as somebody looks back to, and as much of each. */
const VERSIONS_MAX = 100;
const PLACES_MAX = 100;
const TEXT_MAX = 500;

/** By path. Of places that changed twice in a version nothing is known. */
export type Before = ReadonlyMap<string, Json>;

export class Seen {
  private readonly versions = new Map<string, Before>();

  before(incarnation: string, version: number): Before | undefined {
    return this.versions.get(keyOf(incarnation, version));
  }

  /** `touched`: by these operations alone. */
  add(incarnation: string, version: number, operations: readonly Operation[], touched: readonly Touch[]): void {
    this.versions.set(keyOf(incarnation, version), beforeOf(operations, touched));
    for (const key of this.versions.keys()) {
      if (this.versions.size <= VERSIONS_MAX) return;
      this.versions.delete(key);
    }
  }
}

function keyOf(incarnation: string, version: number): string {
  return `${version} ${incarnation}`;
}

function beforeOf(operations: readonly Operation[], touched: readonly Touch[]): Before {
  const found = new Map<string, Json>();
  // Each touches one place, except these.
  if (operations.length > PLACES_MAX || operations.some(({ op }) => op === "move" || op === "test")) return found;
  const twice = new Set<string>();
  for (const [i, { op, path }] of operations.entries()) {
    const { before } = touched[i] as Touch;
    if (found.has(path)) twice.add(path);
    if (op !== "add" && op !== "copy" && isShort(before)) found.set(path, before);
  }
  for (const path of twice) found.delete(path);
  return found;
}

/** Longer ones would be held for nobody: a line shows no more of them, and what is in a container may change yet. */
function isShort(value: Json | undefined): value is Json {
  return value !== undefined && !isContainer(value) && String(value).length <= TEXT_MAX;
}
