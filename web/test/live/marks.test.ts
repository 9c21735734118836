import assert from "node:assert/strict";
import { test } from "node:test";
import { Marks } from "../../src/live/marks.ts";

test("too many marks are told from a third on, and until fewer than a fifth are left", () => {
  const marks = new Marks();
  const seen = [0, 30, 31, 25, 21, 20, 25].map((marked) => {
    marks.begin();
    for (let i = 0; i < 100; i += 1) marks.count(i < marked);
    return marks.end();
  });
  assert.deepEqual(seen, [false, false, true, true, true, false, false]);
});

test("nothing is painted, and nothing is restless", () => {
  const marks = new Marks();
  marks.begin();
  assert.equal(marks.end(), false);
});
