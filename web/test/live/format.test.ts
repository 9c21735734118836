import assert from "node:assert/strict";
import { test } from "node:test";
import { moved, type Extent } from "../../src/live/keys.ts";
import { cellText, preview, visible } from "../../src/live/format.ts";

test("what cannot be seen, or turns text around, is shown as a sign", () => {
  assert.equal(visible("a\nb\u202ec\u200bd"), "a␊b␣c␣d");
  assert.equal(visible("pay\u00adpal\u3164\u2028 \u{e0041}❤\ufe0f"), "pay␣pal␣␣ ␣❤\ufe0f");
});

test("a long text is cut", () => {
  assert.equal(visible("x".repeat(600)).length, 501);
  assert.equal(visible(`${"x".repeat(499)}😀`), `${"x".repeat(499)}…`);
});

test("numbers line up, whole ones and large ones stay as they are", () => {
  assert.equal(cellText(1.5, 2), "1.50");
  assert.equal(cellText(9007199254740993n, 2), "9007199254740993");
  assert.equal(cellText(1e300, 2), "1e+300");
  assert.equal(cellText(undefined), "");
  assert.equal(cellText(null), "null");
});

test("small objects are spelled out, large ones counted", () => {
  assert.equal(preview({ a: 1, b: "x" }), '{a: 1, b: "x"}');
  assert.equal(preview([[1]]), "[1 item]");
  assert.equal(preview([1, 2, 3, 4, 5]), "[5 items]");
});

const EXTENT: Extent = { rows: 100, columns: 5, perPage: 10, firstRow: -1 };
const press = (key: string, ctrlKey = false) => ({ key, ctrlKey, metaKey: false, altKey: false });

test("keys move the cursor and stop at the edges", () => {
  const at = { row: 0, column: 0 };
  assert.deepEqual(moved(press("ArrowUp"), at, EXTENT), { row: -1, column: 0 });
  assert.deepEqual(moved(press("ArrowLeft"), at, EXTENT), at);
  assert.deepEqual(moved(press("PageDown"), at, EXTENT), { row: 10, column: 0 });
  assert.deepEqual(moved(press("End"), at, EXTENT), { row: 0, column: 4 });
  assert.deepEqual(moved(press("End", true), at, EXTENT), { row: 99, column: 4 });
});

test("a key with Ctrl, Meta or Alt is the browser's", () => {
  const at = { row: 5, column: 1 };
  assert.equal(moved(press("ArrowDown", true), at, EXTENT), null);
  assert.equal(moved({ ...press("Home"), altKey: true }, at, EXTENT), null);
  assert.equal(moved(press("c"), at, EXTENT), null);
});
