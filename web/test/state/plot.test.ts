import assert from "node:assert/strict";
import { test } from "node:test";
import type { Point } from "../../src/api/types.ts";
import { LINES, markEveryMs, marksOf, nearest, pathOf, rangeOf, runsOf, timeMarks } from "../../src/state/plot.ts";
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

test("moments are whole ones of the reader's clock, also on a day on which it is put back", () => {
  const zone = process.env["TZ"];
  process.env["TZ"] = "Europe/Berlin";
  try {
    const [from, to] = [Date.UTC(2026, 9, 23, 10), Date.UTC(2026, 9, 27, 10)];
    const marks = timeMarks(from, to, 86_400_000).map((atMs) => new Date(atMs));
    assert.deepEqual(marks.map((at) => [at.getDate(), at.getHours()]), [[24, 0], [25, 0], [26, 0], [27, 0]]);
  } finally {
    if (zone === undefined) delete process.env["TZ"];
    else process.env["TZ"] = zone;
  }
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
