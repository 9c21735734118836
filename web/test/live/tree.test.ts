import assert from "node:assert/strict";
import { test } from "node:test";
import { flatten, ROWS_OPEN_MAX } from "../../src/live/flatten.ts";

const ids = (...args: Parameters<typeof flatten>) => flatten(...args).nodes.map(({ id }) => id);

test("a tree is open to the second level", () => {
  assert.deepEqual(ids({ a: { b: { c: 1 } } }, new Map()), ["", "/a", "/a/b"]);
});

test("what the reader opened or closed stays so", () => {
  assert.deepEqual(ids({ a: { b: { c: 1 } } }, new Map([["/a/b", true]])), ["", "/a", "/a/b", "/a/b/c"]);
  assert.deepEqual(ids({ a: { b: { c: 1 } } }, new Map([["", false]])), [""]);
});

test("a long list comes in parts of a hundred, the first one open", () => {
  const { nodes } = flatten(Array.from({ length: 450 }, (_, i) => i), new Map());
  assert.equal(nodes.length, 1 + 5 + 100);
  assert.deepEqual(nodes.filter(({ value }) => value === undefined).map(({ label }) => label), [
    "0 … 99", "100 … 199", "200 … 299", "300 … 399", "400 … 449",
  ]);
  assert.equal(new Set(nodes.map(({ id }) => id)).size, nodes.length);
});

test("open rows are bounded, and the cut is told", () => {
  const wide = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`k${i}`, i]));
  const { nodes, isCut } = flatten(wide, new Map());
  assert.deepEqual([nodes.length, isCut], [ROWS_OPEN_MAX, true]);
});
