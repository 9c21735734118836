import assert from "node:assert/strict";
import { test } from "node:test";
import { Unheard } from "../../src/state/unheard.ts";

test("a page that is behind for ten seconds doubts its connection, and again every ten seconds", () => {
  const unheard = new Unheard();
  const doubted = [0, 3_000, 6_000, 9_999, 10_000, 13_000, 19_999, 20_000].filter((atMs) => unheard.isLong(true, atMs));
  assert.deepEqual(doubted, [10_000, 20_000]);
});

test("a page that caught up begins anew", () => {
  const unheard = new Unheard();
  assert.equal(unheard.isLong(true, 0), false);
  assert.equal(unheard.isLong(false, 9_000), false);
  assert.equal(unheard.isLong(true, 12_000), false);
});
