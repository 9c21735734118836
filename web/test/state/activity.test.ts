import assert from "node:assert/strict";
import { test } from "node:test";
import { Activity } from "../../src/state/activity.ts";

const source = (version: number, incarnation = "i") => ({ id: "a", incarnation, version });

test("versions that passed between two looks are counted where they were seen, and leave after five minutes", () => {
  const activity = new Activity();
  activity.note([source(7)], 0);
  activity.note([source(9)], 11_000);
  activity.note([source(10)], 19_000);
  assert.deepEqual(activity.of("a", 21_000).slice(-2), [3, 0]);
  activity.note([source(10)], 310_000);
  assert.deepEqual(activity.of("a", 310_000).reduce((a, b) => a + b), 0);
});

test("another life of a source, and one that went, begin at nothing", () => {
  const activity = new Activity();
  activity.note([source(7)], 0);
  activity.note([source(90, "j")], 10_000);
  assert.equal(activity.of("a", 10_000).at(-1), 0);
  activity.note([], 20_000);
  activity.note([source(95, "j")], 20_000);
  assert.equal(activity.of("a", 20_000).at(-1), 0);
});

test("what changed while nobody looked is spread over that time, whole and no more than it was", () => {
  const activity = new Activity();
  activity.note([source(0)], 0);
  activity.note([source(7)], 30_000);
  assert.deepEqual(activity.of("a", 30_000).slice(-4), [0, 2, 2, 3]);
  activity.note([source(7 + 720)], 30_000 + 3_600_000);
  assert.equal(activity.of("a", 30_000 + 3_600_000).reduce((a, b) => a + b), 60);
});
