/**
 * What each place held before a change, as far as the changes before it tell, or this page saw it.
 *
 * Versions carry only what is new. Walking from the oldest loaded one to the newest, the last value of a path is
 * remembered; whatever could have moved it to another path makes it unknown again, so a value shown is never a guess.
 */

import type { Change, Operation } from "../api/types.ts";
import type { Json } from "../protocol/json.ts";
import type { Before } from "../protocol/seen.ts";

export interface Step {
  operation: Operation;
  /** undefined: not known. */
  before: Json | undefined;
}

export interface Version {
  incarnation: string;
  version: number;
  atMs: number;
  bytes: number;
  /** null: what led here is not kept. */
  steps: Step[] | null;
  /** Versions between this one and the next older one that are not there. */
  missing: number;
  /** The source started anew here: it was deleted and made again. */
  isNewLife: boolean;
}

/**
 * `changes` newest first, as the server gives them; so is the answer. `isFiltered`: gaps are then no news. `seen`: what
 * places held before a version that was applied here.
 */
export function versionsOf(changes: readonly Change[], seen: (change: Change) => Before | undefined, isFiltered = false): Version[] {
  const known = new Map<string, Json>();
  const oldestFirst = [...changes].reverse();
  const versions = oldestFirst.map((change, i) => {
    const older = oldestFirst[i - 1];
    const isNewLife = older !== undefined && older.incarnation !== change.incarnation;
    const missing = older === undefined || isNewLife || isFiltered ? 0 : Math.max(0, change.version - older.version - 1);
    if (isNewLife || missing > 0 || change.ops === null) known.clear();
    const was = seen(change);
    const steps = change.ops?.map((operation) => {
      const told = take(known, operation, isFiltered);
      return { operation, before: told === undefined ? was?.get(operation.path) : told };
    }) ?? null;
    return { incarnation: change.incarnation, version: change.version, atMs: change.at, bytes: change.bytes, steps, missing, isNewLife };
  });
  return versions.reverse();
}

/** The value before an operation; afterwards `known` is as it left things. */
function take(known: Map<string, Json>, { op, path, value }: Operation, isFiltered: boolean): Json | undefined {
  const before = known.get(path);
  if (op === "move" || op === "copy") known.clear();
  // Operations that a filter left out may have moved items, so nothing below a list is sure.
  else if (isFiltered && /\/(?:\d+|-)(?:\/|$)/.test(path)) known.clear();
  else if ((op === "add" || op === "remove") && /\/(?:\d+|-)$/.test(path)) forgetBelow(known, path.slice(0, path.lastIndexOf("/")));
  else if (op !== "test") {
    forgetBelow(known, path);
    forgetAbove(known, path);
    if (op !== "remove" && value !== undefined) known.set(path, value);
  }
  return op === "replace" || op === "remove" ? before : undefined;
}

function forgetBelow(known: Map<string, Json>, path: string): void {
  for (const other of known.keys()) if (other === path || other.startsWith(`${path}/`)) known.delete(other);
}

function forgetAbove(known: Map<string, Json>, path: string): void {
  for (let at = path.lastIndexOf("/"); at >= 0; at = path.lastIndexOf("/", at - 1)) {
    known.delete(path.slice(0, at));
    if (at === 0) break;
  }
}
