/** A number over time as what is drawn of it: its lines, the part of the scale that they need, and marks beside both. */

import type { Point, Series } from "../api/types.ts";

export const LINES = [
  { of: "mean", name: "Mean" },
  { of: "min", name: "Least" },
  { of: "max", name: "Most" },
] as const;

export type Line = (typeof LINES)[number]["of"];

export interface Range {
  low: number;
  high: number;
}

/** Beyond this the distance of two numbers may be none that a computer knows. */
const DRAWN_MAX = 1e300;
/** Above and below the lines, of what they take. */
const ROOM = 0.08;
/** Beside the scale, and below the time, at most. */
const MARKS = 8;
const STEPS = [1, 2, 5, 10];
/** More digits, and larger numbers, than these are written as powers of ten. */
const [DIGITS_MAX, PLAIN_MAX] = [9, 1e12];
/** What is read at a moment has so many digits behind the point, and is plain from here to there. */
const [READ_DIGITS, READ_MIN, READ_MAX] = [8, 1e-4, 1e15];
/** Four pixels, in the middle of which a point is. */
const ALONE = "m-2 0h4";
const [MINUTE_MS, HOUR_MS] = [60_000, 3_600_000];
const TIME_STEPS_MIN = [1, 2, 5, 10, 15, 30, 60, 120, 240, 360, 720, 1_440];

/** Buckets that follow each other. One that is missing becomes a gap, never a line across it. */
export function runsOf({ points, bucket }: Series): Point[][] {
  const runs: Point[][] = [];
  let endsAt = Number.NEGATIVE_INFINITY;
  for (const point of points) {
    if (point.at <= endsAt) runs.at(-1)?.push(point);
    else runs.push([point]);
    endsAt = point.at + bucket * 1_000;
  }
  return runs;
}

/** As much of the scale as these lines take; below 0 only where they are. */
export function rangeOf(points: readonly Point[], lines: readonly Line[]): Range {
  const values = points.flatMap((point) => lines.map((line) => drawn(point[line])));
  if (values.length === 0) return { low: 0, high: 1 };
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const room = (high - low) * ROOM || Math.abs(high) * ROOM || 1;
  return { low: low >= 0 ? Math.max(0, low - room) : low - room, high: high + room };
}

/** Round numbers beside a scale, written with as many digits as tell them apart. */
export function marksOf({ low, high }: Range): { at: number; text: string }[] {
  const rough = (high - low) / MARKS;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * (STEPS.find((by) => by * power >= rough) ?? 1);
  const [first, last] = [Math.ceil(low / step), Math.floor(high / step)];
  const format = digitsFor(step, Math.max(Math.abs(low), Math.abs(high)));
  // Between numbers that are large and close there may be no other that a computer knows.
  const found = new Set(Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step));
  // A zero is none of the powers of ten beside it.
  return [...found].map((at) => ({ at, text: at.toLocaleString(undefined, at === 0 && format.notation ? {} : format) }));
}

function digitsFor(step: number, largest: number): Intl.NumberFormatOptions {
  const digits = Math.max(0, -Math.floor(Math.log10(step)));
  if (digits <= DIGITS_MAX && largest < PLAIN_MAX) return { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return { notation: "scientific", maximumFractionDigits: Math.ceil(Math.log10(largest / step)) };
}

/** What is between two moments below a chart of so much time. */
export function markEveryMs(spanMs: number): number {
  const step = TIME_STEPS_MIN.find((minutes) => minutes * MINUTE_MS * MARKS >= spanMs) ?? 1_440;
  return step * MINUTE_MS;
}

/** Moments below a chart, at whole minutes, hours or days of the reader's own clock, also where it is put forward or back. */
export function timeMarks(fromMs: number, toMs: number, stepMs: number): number[] {
  const behindMs = new Date(fromMs).getTimezoneOffset() * MINUTE_MS;
  // Minutes stay whole when the clock is put forward or back; hours and days are counted as it shows them.
  const momentOf = stepMs > HOUR_MS ? momentOn : (clockMs: number) => clockMs + behindMs;
  const marks: number[] = [];
  for (let clockMs = Math.ceil((fromMs - behindMs) / stepMs) * stepMs; ; clockMs += stepMs) {
    const atMs = momentOf(clockMs);
    if (atMs > toMs) return marks;
    if (atMs >= fromMs) marks.push(atMs);
  }
}

/** When the reader's clock shows what a clock in UTC shows at that moment. */
function momentOn(clockMs: number): number {
  const at = new Date(clockMs);
  return new Date(at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate(), at.getUTCHours(), at.getUTCMinutes()).getTime();
}

/** A line as an SVG path. A point that stands alone is a dash, so that it can be seen. */
export function pathOf(runs: readonly Point[][], line: Line, x: (atMs: number) => number, y: (value: number) => number): string {
  const spot = (point: Point) => `${x(point.at).toFixed(1)} ${y(drawn(point[line])).toFixed(1)}`;
  return runs.map((run) => `M${run.map(spot).join("L")}${run.length === 1 ? ALONE : ""}`).join("");
}

/** The index of the point that is nearest to a moment. */
export function nearest(points: readonly Point[], atMs: number): number {
  const distances = points.map((point) => Math.abs(point.at - atMs));
  return distances.indexOf(Math.min(...distances));
}

/** As it is read: without the digits that arithmetic adds, and as a power of ten where it would be zeros for the most part. */
export function numberText(value: number): string {
  const size = Math.abs(value);
  const isPlain = size === 0 || (size >= READ_MIN && size < READ_MAX);
  return value.toLocaleString(undefined, { maximumFractionDigits: READ_DIGITS, ...(isPlain ? {} : { notation: "scientific" }) });
}

/** Where a value is drawn. */
export function drawn(value: number): number {
  return Math.min(DRAWN_MAX, Math.max(-DRAWN_MAX, value));
}
