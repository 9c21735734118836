import assert from "node:assert/strict";
import { test } from "node:test";
import { holds, rangeOf, sizeOf } from "../../src/live/range.ts";

test("a block lies between its corners, whichever came first", () => {
  const block = rangeOf({ row: 5, column: 3 }, { row: 2, column: 1 }, 9);
  assert.deepEqual(block, { top: 2, bottom: 5, left: 1, right: 3 });
  assert.equal(sizeOf(block), 12);
  assert.deepEqual([holds(block, 5, 3), holds(block, 6, 3), holds(block, 2, 4)], [true, false, false]);
});

test("a block from a row's own cell is of whole rows", () => {
  assert.deepEqual(rangeOf({ row: 1, column: 0 }, { row: 2, column: 2 }, 9), { top: 1, bottom: 2, left: 1, right: 9 });
});
