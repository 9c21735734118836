/**
 * Which cells changed just now: strong at first, then weak, then not at all.
 *
 * Marks belong to the object or list that holds the value, so they stay with their record when rows move. Two still
 * steps instead of an animation: it costs a fortieth of the style work, and nothing on the page ever blinks.
 */

import { isContainer, type Container, type Json } from "../protocol/json.ts";
import type { Touch } from "../protocol/patch.ts";

const STRONG_MS = 350;
const GONE_AFTER_MS = 1_000;
/** Comparing a replaced part with what was there stops here: past it everything changed anyway. */
const COMPARED_MAX = 20_000;
const NESTED_MAX = 100;

export type Direction = "up" | "down" | "change";
interface Mark {
  atMs: number;
  direction: Direction;
}
export interface Shown {
  direction: Direction;
  isWeak: boolean;
}

export class Flash {
  private marks = new Map<Container, Map<string, Mark>>();
  private readonly now: () => number;

  constructor(now: () => number) {
    this.now = now;
  }

  get isActive(): boolean {
    return this.marks.size > 0;
  }

  touch({ container, key, before, after }: Touch): void {
    const budget = { left: COMPARED_MAX };
    if (container !== null && !(isContainer(before) && isContainer(after))) this.mark(container, key, before, after);
    if (isContainer(after)) this.compare(before, after, budget);
  }

  /** How the value at this place is to be shown; a nested value shows the newest mark inside it. */
  shown(container: Container, key: string, value: Json | undefined): Shown | null {
    if (this.marks.size === 0) return null;
    const mark = this.marks.get(container)?.get(key) ?? (isContainer(value) ? this.inside(value) : undefined);
    if (mark === undefined) return null;
    const ageMs = this.now() - mark.atMs;
    return ageMs >= GONE_AFTER_MS ? null : { direction: mark.direction, isWeak: ageMs >= STRONG_MS };
  }

  /** Forget what is over. */
  sweep(): void {
    const endMs = this.now() - GONE_AFTER_MS;
    for (const [container, marks] of this.marks) {
      for (const [key, mark] of marks) if (mark.atMs <= endMs) marks.delete(key);
      if (marks.size === 0) this.marks.delete(container);
    }
  }

  private mark(container: Container, key: string, before: Json | undefined, after: Json | undefined): void {
    if (after === undefined) return;
    const marks = this.marks.get(container) ?? new Map<string, Mark>();
    marks.set(key, { atMs: this.now(), direction: directionOf(before, after) });
    this.marks.set(container, marks);
  }

  private compare(before: Json | undefined, after: Container, budget: { left: number }): void {
    const isAlike = isContainer(before) && Array.isArray(before) === Array.isArray(after);
    // Items of lists of unlike length do not answer to each other; marking them all would say nothing.
    if (isAlike && Array.isArray(after) && (before as Json[]).length !== after.length) return;
    for (const key of Object.keys(after)) {
      if (--budget.left < 0) return;
      const old = isAlike && Object.hasOwn(before, key) ? (before as Record<string, Json>)[key] : undefined;
      const value = (after as Record<string, Json>)[key] as Json;
      if (isContainer(value)) this.compare(old, value, budget);
      else if (old !== value) this.mark(after, key, old, value);
    }
  }

  private inside(value: Container): Mark | undefined {
    let newest: Mark | undefined;
    const marks = [value, ...Object.values(value).slice(0, NESTED_MAX).filter(isContainer)];
    for (const container of marks) {
      for (const mark of this.marks.get(container)?.values() ?? []) {
        if (newest === undefined || mark.atMs >= newest.atMs) newest = mark;
      }
    }
    return newest && { ...newest, direction: "change" };
  }
}

function directionOf(before: Json | undefined, after: Json): Direction {
  if (!isNumeric(before) || !isNumeric(after)) return "change";
  return after > before ? "up" : "down";
}

function isNumeric(value: Json | undefined): value is number | bigint {
  return typeof value === "number" || typeof value === "bigint";
}
