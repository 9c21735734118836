import assert from "node:assert/strict";
import { test } from "node:test";
import { columnAt, layOut, scrollFor, slotOf, template, windowOf } from "../../src/live/layout.ts";

const widths = Array.from({ length: 1_001 }, () => 100);

test("of a wide table only the frozen columns and those in view exist", () => {
  const layout = layOut(widths, 2, 1_000);
  const window = windowOf(layout, 50_000, 1_000);
  assert.ok(window.last - window.first < 20);
  const seen = Array.from({ length: 2 + window.last - window.first }, (_, slot) => columnAt(layout, window, slot));
  assert.deepEqual(seen.slice(0, 2), [0, 1]);
  assert.ok(seen.includes(502) && seen.includes(509));
  for (const [slot, column] of seen.entries()) assert.equal(slotOf(layout, window, column), slot);
  assert.equal(slotOf(layout, window, 3), -1);
});

test("the tracks of a row are as wide as all columns together, wherever the window is", () => {
  const layout = layOut(widths, 3, 1_000);
  for (const left of [0, 1, 12_345, 1e9]) {
    const px = template(layout, windowOf(layout, left, 1_000)).split(" ").map((track) => parseFloat(track));
    assert.equal(px.reduce((a, b) => a + b), 100_100);
  }
});

test("frozen columns never take the room of the others", () => {
  assert.equal(layOut([48, 300, 300, 300], 4, 390).frozen, 1);
  assert.equal(layOut([48, 300, 300, 300], 4, 1_200).frozen, 3);
  assert.deepEqual(windowOf(layOut([], 4, 0), 0, 0), { first: 1, last: 0 });
});

test("a column is brought into view by the least move, and never below the frozen ones", () => {
  const layout = layOut(widths, 2, 1_000);
  assert.equal(scrollFor(layout, 1, 500, 1_000), 500);
  assert.equal(scrollFor(layout, 3, 500, 1_000), 100);
  assert.equal(scrollFor(layout, 20, 500, 1_000), 1_100);
  assert.equal(scrollFor(layout, 10, 500, 1_000), 500);
});
