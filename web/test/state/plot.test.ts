import assert from "node:assert/strict";
import { test } from "node:test";
import type { Point } from "../../src/api/types.ts";
import { LINES, markEveryMs, marksOf, nearest, numberText, pathOf, rangeOf, runsOf, timeMarks } from "../../src/state/plot.ts";
import { WINDOWS } from "../../src/state/series.ts";

const LARGEST = 1.7976931348623157e308;
const point = (at: number, value: number, most = value): Point => ({ at, count: 1, min: value, max: most, mean: value, last: value, heldMs: 1_000 });
const same = (value: number) => value;
const texts = (low: number, high: number) => marksOf({ low, high }).map(({ text }) => text);

test("a missing bucket is a gap in the line, and a bucket alone is a dash", () => {
  const runs = runsOf({ bucket: 1, from: 0, to: 0, points: [point(0, 1), point(1_000, 2), point(3_000, 3)] });
  assert.deepEqual(runs.map((run) => run.map(({ at }) => at)), [[0, 1_000], [3_000]]);
  assert.equal(pathOf(runs, "mean", same, same), "M0.0 1.0L1000.0 2.0M3000.0 3.0m-2 0h4");
  assert.equal(pathOf([], "mean", same, same), "");
});

test("the scale is what the lines in view take with a little room, and goes below zero only where they do", () => {
  const points = [point(0, 10, 100), point(1_000, 20, 50)];
  assert.deepEqual(rangeOf(points, ["mean", "min"]), { low: 9.2, high: 20.8 });
  assert.equal(rangeOf(points, ["max"]).high, 104);
  assert.equal(rangeOf([point(0, 0), point(1, 50)], ["mean"]).low, 0);
  assert.equal(rangeOf([point(0, -1), point(1, 49)], ["mean"]).low, -5);
});

test("a number that does not move has a scale around it, and no number at all has one too", () => {
  assert.deepEqual(rangeOf([point(0, 50)], ["mean"]), { low: 46, high: 54 });
  assert.deepEqual(rangeOf([point(0, 0)], ["mean"]), { low: 0, high: 1 });
  assert.deepEqual(rangeOf([], ["mean"]), { low: 0, high: 1 });
  assert.deepEqual(rangeOf([point(0, 50)], []), { low: 0, high: 1 });
});

test("marks are round numbers inside the scale, with as many digits as tell them apart", () => {
  assert.deepEqual(texts(0, 1), [0, 0.2, 0.4, 0.6, 0.8, 1].map((at) => at.toLocaleString(undefined, { minimumFractionDigits: 1 })));
  assert.deepEqual(texts(-7, 12), [-5, 0, 5, 10].map((at) => at.toLocaleString()));
  assert.deepEqual(texts(1_000_000, 1_000_050), [0, 10, 20, 30, 40, 50].map((more) => (1_000_000 + more).toLocaleString()));
  assert.ok(texts(-1e200, 1e200).includes("0"));
  assert.deepEqual(texts(2e-12, 8e-12), [2, 3, 4, 5, 6, 7, 8].map((at) => (at / 1e12).toLocaleString(undefined, { notation: "scientific" })));
});

test("whatever numbers there are, a few marks tell themselves apart, and every line can be drawn", () => {
  for (const [low, high] of [[-LARGEST, LARGEST], [0, Number.MIN_VALUE], [0, 1e-322], [1e17, 1e17 + 16], [-3, -3], [1e-300, 2e-300], [0.1, 0.1 + 1e-9]] as const) {
    const points = [point(0, low), point(1_000, high)];
    const range = rangeOf(points, LINES.map(({ of }) => of));
    const marks = marksOf(range);
    assert.ok(range.high > range.low && marks.length <= 9, `${low} to ${high}: ${marks.length} marks`);
    assert.equal(new Set(marks.map(({ text }) => text)).size, marks.length, `${low} to ${high}: ${marks.map(({ text }) => text)}`);
    const path = pathOf([points], "mean", same, (value) => (value - range.low) / (range.high - range.low));
    assert.doesNotMatch(path, /NaN|Infinity/, `${low} to ${high}`);
  }
});

const DAY_MS = 86_400_000;

/** What a clock in a zone shows at the marks of a chart. */
function clockIn(zone: string, fromMs: number, spanMs: number, stepMs: number): string[] {
  const before = process.env["TZ"];
  process.env["TZ"] = zone;
  try {
    const marks = timeMarks(fromMs, fromMs + spanMs, stepMs);
    assert.ok(marks.every((atMs) => atMs >= fromMs && atMs <= fromMs + spanMs), `${zone}: ${marks}`);
    return marks.map((atMs) => new Date(atMs).toLocaleString("sv").slice(8, 16));
  } finally {
    if (before === undefined) delete process.env["TZ"];
    else process.env["TZ"] = before;
  }
}

test("moments are whole ones of the reader's clock, in every zone and on days on which it is put forward or back", () => {
  const days = clockIn("Europe/Berlin", Date.UTC(2026, 9, 23, 10), 4 * DAY_MS, DAY_MS);
  assert.deepEqual(days, ["24 00:00", "25 00:00", "26 00:00", "27 00:00"]);
  assert.deepEqual(clockIn("Asia/Kathmandu", Date.UTC(2026, 0, 1), DAY_MS, DAY_MS / 2), ["01 12:00", "02 00:00"]);
  // At midnight in Santiago the clock goes on to one.
  assert.deepEqual(clockIn("America/Santiago", Date.UTC(2026, 8, 5, 12), 2 * DAY_MS, DAY_MS), ["06 01:00", "07 00:00"]);
  const back = clockIn("Europe/Berlin", Date.UTC(2026, 9, 24, 20), DAY_MS, DAY_MS / 6);
  assert.deepEqual(back, ["25 00:00", "25 04:00", "25 08:00", "25 12:00", "25 16:00", "25 20:00"]);
  // The same day long after, and the hour itself, which is there twice or not at all.
  assert.deepEqual(clockIn("Europe/Berlin", Date.UTC(2026, 9, 25, 11), 1_800_000, 600_000), ["25 12:00", "25 12:10", "25 12:20", "25 12:30"]);
  assert.deepEqual(clockIn("Europe/Berlin", Date.UTC(2026, 9, 25, 0, 50), 1_200_000, 600_000), ["25 02:50", "25 02:00", "25 02:10"]);
  assert.deepEqual(clockIn("Europe/Berlin", Date.UTC(2026, 2, 29, 0, 50), 1_200_000, 600_000), ["29 01:50", "29 03:00", "29 03:10"]);
});

test("marks below a chart are as far apart as there is room for, and whole at whichever second it begins", () => {
  assert.deepEqual(WINDOWS.map(({ ms }) => markEveryMs(ms) / 60_000), [1, 10, 240, 1_440]);
  const begin = new Date(2026, 10, 28, 9, 58, 13).getTime();
  const minutes = timeMarks(begin, begin + 300_000, 60_000).map((atMs) => new Date(atMs));
  assert.deepEqual(minutes.map((at) => [at.getMinutes(), at.getSeconds()]), [[59, 0], [0, 0], [1, 0], [2, 0], [3, 0]]);
});

test("the point that is read is the one nearest to where the reader points", () => {
  const points = [point(0, 1), point(1_000, 2), point(5_000, 3)];
  assert.deepEqual([-9, 400, 600, 4_000, 9_000].map((atMs) => nearest(points, atMs)), [0, 0, 1, 2, 2]);
  assert.equal(nearest([], 0), -1);
});

test("a number is read with the digits that matter, however large or small it is", () => {
  const plain = (value: number) => value.toLocaleString(undefined, { maximumFractionDigits: 8 });
  for (const value of [0, 0.1 + 0.2, -12.5, 1_234_567.000_5, 0.000_12, 9e14]) assert.equal(numberText(value), plain(value));
  for (const value of [2e-12, -LARGEST, 1e15, Number.MIN_VALUE]) assert.match(numberText(value), /^-?\d(\D\d{1,8})?E-?\d+$/);
});
