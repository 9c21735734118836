import assert from "node:assert/strict";
import { test } from "node:test";
import { Ahead } from "../../src/state/ahead.ts";

const NOON = Date.parse("2026-11-28T12:00:00Z");

test("a machine whose clock is right is left alone, though answers name whole seconds and take a while", () => {
  const ahead = new Ahead();
  for (const lateMs of [0, 400, 999, 2_900]) assert.equal(ahead.heard(NOON, NOON + lateMs), false);
  assert.equal(ahead.ms, 0);
});

test("a clock that is off is put right to half a second, and again when somebody sets it", () => {
  const ahead = new Ahead();
  assert.equal(ahead.heard(NOON, NOON - 600_000), true);
  assert.equal(ahead.ms, 600_500);
  assert.equal(ahead.heard(NOON + 60_000, NOON - 540_000), false);
  assert.equal(ahead.heard(NOON + 61_000, NOON + 61_000), true);
  assert.equal(ahead.ms, 500);
});

test("an answer that does not say what time it is changes nothing", () => {
  const ahead = new Ahead();
  assert.equal(ahead.heard(Number.NaN, NOON), false);
});
