import assert from "node:assert/strict";
import { test } from "node:test";

import { shardsOf, spans } from "../../src/state/shards.ts";

test("every shard is told once, by its owner's name, and those of nobody come last", () => {
  const told = shardsOf({ shards: 5, owners: { "0": "b", "1": "a", "3": "b", "4": "a" } });
  assert.deepEqual([...told], [["a", [1, 4]], ["b", [0, 3]], [null, [2]]]);
});

test("numbers that follow each other are told by the first and the last", () => {
  assert.equal(spans([]), "");
  assert.equal(spans([7]), "7");
  assert.equal(spans([0, 1, 2, 3, 7, 9, 10]), "0–3, 7, 9–10");
});
