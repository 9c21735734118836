import assert from "node:assert/strict";
import { test } from "node:test";
import { Flash } from "../../src/live/flash.ts";
import type { JsonObject } from "../../src/protocol/json.ts";

function makeFlash() {
  const time = { nowMs: 0 };
  return { time, flash: new Flash(() => time.nowMs) };
}

test("a change is strong for a while, then weak, then gone", () => {
  const { time, flash } = makeFlash();
  const row: JsonObject = { price: 2 };
  flash.touch({ container: row, key: "price", before: 1, after: 2 });
  assert.deepEqual(flash.shown(row, "price", 2), { direction: "up", isWeak: false });
  time.nowMs = 350;
  assert.deepEqual(flash.shown(row, "price", 2), { direction: "up", isWeak: true });
  time.nowMs = 1_000;
  assert.equal(flash.shown(row, "price", 2), null);
  flash.sweep();
  assert.equal(flash.isActive, false);
});

test("only numbers have a direction", () => {
  const { flash } = makeFlash();
  const row: JsonObject = { n: 1, t: "b" };
  flash.touch({ container: row, key: "n", before: 2, after: 1 });
  flash.touch({ container: row, key: "t", before: "a", after: "b" });
  assert.equal(flash.shown(row, "n", 1)?.direction, "down");
  assert.equal(flash.shown(row, "t", "b")?.direction, "change");
});

test("of a record that was replaced only what differs is marked", () => {
  const { flash } = makeFlash();
  const after: JsonObject = { id: 1, price: 3 };
  flash.touch({ container: [after], key: "0", before: { id: 1, price: 2 }, after });
  assert.equal(flash.shown(after, "id", 1), null);
  assert.equal(flash.shown(after, "price", 3)?.direction, "up");
});

test("a new record is marked whole", () => {
  const { flash } = makeFlash();
  const after: JsonObject = { id: 1 };
  flash.touch({ container: [after], key: "0", before: undefined, after });
  assert.equal(flash.shown(after, "id", 1)?.direction, "change");
});

test("a change deep inside a cell marks the cell", () => {
  const { flash } = makeFlash();
  const inner: JsonObject = { days: 2 };
  const row: JsonObject = { delivery: inner };
  flash.touch({ container: inner, key: "days", before: 1, after: 2 });
  assert.equal(flash.shown(row, "delivery", inner)?.direction, "change");
});

test("a document that was replaced is compared with what was there", () => {
  const { flash } = makeFlash();
  const after: JsonObject = { a: 1, b: { c: 2 } };
  flash.touch({ container: null, key: "", before: { a: 1, b: { c: 1 } }, after });
  assert.equal(flash.shown(after, "a", 1), null);
  assert.equal(flash.shown(after["b"] as JsonObject, "c", 2)?.direction, "up");
});
