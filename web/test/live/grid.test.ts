import assert from "node:assert/strict";
import { test } from "node:test";
import { Arranged } from "../../src/live/arranged.ts";
import { Cursor, HEADER, NOWHERE } from "../../src/live/cursor.ts";
import { applyPatch, type Operation, type Touch } from "../../src/protocol/patch.ts";
import type { Json } from "../../src/protocol/json.ts";

/** A grid without its page: what it shows of a document, and a cursor in it. */
class Sheet {
  nowMs = 1_000_000;
  isInside = false;
  readonly typed = new Map<string, string>();
  readonly shown = new Arranged(() => this.nowMs, { sort: null, typed: this.typed });
  readonly cursor = new Cursor();
  document: Json;

  constructor(document: Json) {
    this.document = document;
    this.read();
  }

  patch(...operations: Operation[]): void {
    const touched: Touch[] = [];
    this.document = applyPatch(this.document, operations, touched);
    this.shown.changed();
    this.cursor.changed(touched);
    this.read();
  }

  replace(document: Json): void {
    this.document = document;
    this.shown.changed();
    this.cursor.changed(null);
    this.read();
  }

  moveTo(row: number, column: number, isExtending = false): void {
    this.cursor.moveTo(row, column, isExtending, this.shown);
  }

  sortBy(key: string): void {
    this.shown.sortBy(key);
    this.cursor.follow(this.shown);
  }

  narrow(): void {
    this.shown.arrange();
    this.cursor.follow(this.shown);
  }

  get path(): string {
    return this.cursor.picked(this.shown)?.path.join("/") ?? "none";
  }

  column(key: string): unknown[] {
    return this.shown.order.map((at) => (this.shown.table.rows[at] as Record<string, Json>)[key]);
  }

  private read(): void {
    const { table } = this.shown;
    this.shown.read(this.document);
    this.cursor.followColumns(this.shown.columns);
    if (this.shown.follow(table, this.isInside)) this.cursor.follow(this.shown);
  }
}

const rows = (...values: number[]) => values.map((n) => ({ n, k: `k${n}` }));

test("the cursor stays with its record when rows come, go or are sorted", () => {
  const sheet = new Sheet(rows(3, 1, 2));
  sheet.moveTo(0, 1);
  sheet.patch({ op: "add", path: "/0", value: { n: 9, k: "k9" } });
  assert.deepEqual([sheet.cursor.row, sheet.path], [1, "1/n"]);
  sheet.sortBy("n");
  assert.deepEqual([sheet.cursor.row, sheet.path], [2, "1/n"]);
  sheet.patch({ op: "remove", path: "/0" });
  assert.deepEqual([sheet.cursor.row, sheet.path], [2, "0/n"]);
});

test("the cursor of a record that is gone belongs to the one that took its row", () => {
  const sheet = new Sheet(rows(1, 2, 3));
  sheet.moveTo(1, 1);
  sheet.patch({ op: "remove", path: "/1" });
  assert.equal(sheet.path, "1/n");
  sheet.patch({ op: "add", path: "/0", value: { n: 0, k: "k0" } });
  assert.deepEqual([sheet.cursor.row, sheet.path], [2, "2/n"]);
});

test("a record that was replaced as a whole keeps the cursor, and so does its place in another copy", () => {
  const sheet = new Sheet(rows(3, 1, 2));
  sheet.sortBy("n");
  sheet.moveTo(2, 1);
  sheet.patch({ op: "replace", path: "/0", value: { n: 0, k: "k0" } });
  assert.deepEqual([sheet.cursor.row, sheet.path], [0, "0/n"]);
  sheet.replace(rows(5, 1, 2));
  assert.deepEqual([sheet.cursor.row, sheet.path], [2, "0/n"]);
});

test("named rows keep their names in another copy", () => {
  const sheet = new Sheet({ b: { n: 1 }, c: { n: 2 }, d: { n: 3 } });
  sheet.moveTo(1, 1);
  sheet.replace({ a: { n: 0 }, b: { n: 1 }, c: { n: 2 }, d: { n: 3 } });
  assert.equal(sheet.path, "c/n");
});

test("a null that became a record is not the record that nobody pointed at", () => {
  const sheet = new Sheet(rows(1, 2));
  sheet.patch({ op: "add", path: "/0/n", value: null }, { op: "replace", path: "/0/n", value: { deep: 1 } });
  assert.equal(sheet.path, "none");
});

test("what is looked for leaves the record out, and gives it back", () => {
  const sheet = new Sheet(rows(1, 2, 3));
  sheet.moveTo(1, 2);
  sheet.shown.query = "k3";
  sheet.narrow();
  assert.deepEqual([sheet.cursor.row, sheet.path, sheet.cursor.range(2)], [NOWHERE, "1/k", null]);
  sheet.shown.query = "";
  sheet.narrow();
  assert.deepEqual([sheet.cursor.row, sheet.path], [1, "1/k"]);
});

test("the cursor stays with its column when columns come before it, and goes to the nearest when it is gone", () => {
  const sheet = new Sheet([{ b: 1, c: 2 }, { b: 3, c: 4 }]);
  sheet.moveTo(0, 2);
  sheet.replace([{ a: 0, b: 1, c: 2 }, { a: 0, b: 3, c: 4 }]);
  assert.deepEqual([sheet.cursor.column, sheet.path], [3, "0/c"]);
  sheet.replace([{ a: 0 }, { a: 1 }]);
  assert.deepEqual([sheet.cursor.column, sheet.path], [1, "0/a"]);
  sheet.moveTo(HEADER, 0);
  sheet.replace(rows(1));
  assert.equal(sheet.cursor.column, 0);
});

test("a block goes when its rows or columns moved: another one would be copied than was chosen", () => {
  const sheet = new Sheet(rows(1, 2, 3));
  const select = () => (sheet.moveTo(1, 1), sheet.moveTo(2, 2, true));
  select();
  assert.deepEqual(sheet.cursor.range(2), { top: 1, bottom: 2, left: 1, right: 2 });
  sheet.patch({ op: "replace", path: "/0/n", value: 7 });
  assert.equal(sheet.cursor.isSelected(1, 1, 2), true);
  sheet.patch({ op: "add", path: "/0", value: { n: 0, k: "k0" } });
  assert.deepEqual(sheet.cursor.range(2), { top: 3, bottom: 3, left: 2, right: 2 });
  select();
  sheet.replace(rows(1, 2, 3, 4).map((row) => ({ a: 0, ...row })));
  assert.equal(sheet.cursor.isSelected(1, 1, 3), false);
});

test("an order is made anew once a second for who is outside, and held for who is inside", () => {
  const sheet = new Sheet(rows(1, 2));
  sheet.sortBy("n");
  sheet.patch({ op: "replace", path: "/0/n", value: 3 });
  assert.deepEqual(sheet.column("n"), [2, 3]);

  sheet.isInside = true;
  sheet.nowMs += 5_000;
  sheet.patch({ op: "replace", path: "/0/n", value: 1 }, { op: "add", path: "/-", value: { n: 0, k: "k0" } });
  assert.deepEqual(sheet.column("n"), [2, 1, 0]);
  assert.equal(sheet.shown.agedAtMs, 1_000_000);
  sheet.isInside = false;
  assert.equal(sheet.shown.follow(null, false), true);
  assert.deepEqual([sheet.column("n"), sheet.shown.agedAtMs], [[0, 1, 2], null]);
});

test("a filter or an order of a column that is gone hides no row", () => {
  const sheet = new Sheet([{ a: 1, b: 1 }, { a: 2, b: 2 }]);
  sheet.typed.set("b", "2");
  sheet.sortBy("b");
  assert.equal(sheet.shown.order.length, 1);
  sheet.replace([{ a: 1 }, { a: 2 }]);
  assert.deepEqual(sheet.column("a"), [1, 2]);
});

test("columns that came or went are told, but not those of a first or an empty table", () => {
  const shown = new Arranged(() => 0, { sort: null, typed: new Map() });
  assert.deepEqual(shown.read([{ a: 1, b: 2 }]), { added: [], removed: [] });
  assert.deepEqual(shown.read([{ b: 1, c: 2 }]), { added: ["c"], removed: ["a"] });
  assert.deepEqual(shown.read([]), { added: [], removed: [] });
});
