import assert from "node:assert/strict";
import { test } from "node:test";
import { Arranged } from "../../src/live/arranged.ts";
import { Kept } from "../../src/live/kept.ts";
import { placeAt, valueAt } from "../../src/live/place.ts";
import { applyPatch, type Operation, type Touch } from "../../src/protocol/patch.ts";
import type { Json } from "../../src/protocol/json.ts";

/** What a reader made of a document that goes on changing while no island shows it. */
class Away {
  readonly kept = new Kept();
  document: Json;

  constructor(document: Json) {
    this.document = document;
  }

  patch(...operations: Operation[]): void {
    const touched: Touch[] = [];
    this.document = applyPatch(this.document, operations, touched);
    this.kept.changed(touched, this.document);
  }

  replace(document: Json): void {
    this.document = document;
    this.kept.changed(null, document);
  }

  /** The grid as it is made when they come back. */
  get shown(): Arranged {
    const shown = new Arranged(Date.now, this.kept);
    shown.read(this.document);
    shown.arrange();
    return shown;
  }

  get cell(): string {
    const { kept, shown } = this;
    kept.cursor.followColumns(shown.columns);
    kept.cursor.follow(shown);
    return kept.cursor.picked(shown)?.path.join("/") ?? "none";
  }

  scrollTo(...path: (string | number)[]): void {
    const at = { topPx: 280, leftPx: 0, place: placeAt(this.document, path), part: null };
    this.kept.tableAt = at;
    this.kept.treeAt = at;
  }
}

const rows = (...values: number[]) => values.map((n) => ({ n, deep: { k: n } }));

test("the cursor is on the same record and column when they come back, whatever came before it meanwhile", () => {
  const away = new Away(rows(1, 2, 3));
  away.kept.cursor.moveTo(2, 2, false, away.shown);
  assert.equal(away.cell, "2/deep");
  away.patch({ op: "add", path: "/0", value: { first: 0, n: 0, deep: {} } }, { op: "replace", path: "/3", value: { n: 4, deep: {} } });
  assert.equal(away.cell, "3/deep");
});

test("the row at the top is the same record then, and what is left of one that is gone is how far was scrolled", () => {
  const away = new Away(rows(1, 2, 3));
  away.scrollTo(1);
  away.patch({ op: "add", path: "/0", value: { n: 0 } });
  assert.deepEqual(away.kept.tableAt.place?.path, [2]);
  assert.deepEqual(away.kept.treeAt.place?.path, [2]);
  away.patch({ op: "remove", path: "/2" });
  assert.deepEqual([away.kept.tableAt.place, away.kept.treeAt.place], [null, null]);
  assert.equal(away.kept.tableAt.topPx, 280);
});

test("in a copy of the document places are those of the copy, so that the one before can go", () => {
  const away = new Away(rows(1, 2, 3));
  away.scrollTo(1);
  away.kept.pointed = { place: placeAt(away.document, [1, "deep"]), part: null, row: 4 };
  away.kept.opened.choose(placeAt(away.document, [1, "deep"]), null, true);
  const copy = rows(1, 5, 3);
  away.replace(copy);
  const { tableAt, treeAt, pointed, opened } = away.kept;
  for (const { place } of [tableAt, treeAt, pointed]) assert.equal(place?.trail[0], copy);
  assert.equal(tableAt.place && valueAt(tableAt.place), copy[1]);
  assert.equal(opened.chosen((copy[1] as (typeof copy)[number]).deep, null), true);
});

test("what was opened stays open with its record", () => {
  const away = new Away(rows(1, 2, 3));
  away.kept.opened.choose(placeAt(away.document, [1, "deep"]), null, true);
  away.patch({ op: "remove", path: "/0" }, { op: "add", path: "/0/deep/more", value: 1 });
  const [record] = away.document as ReturnType<typeof rows>;
  assert.equal(away.kept.opened.chosen((record as ReturnType<typeof rows>[number]).deep, null), true);
});
