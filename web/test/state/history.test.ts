import assert from "node:assert/strict";
import { test } from "node:test";
import { Problem } from "../../src/api/problem.ts";
import type { Change, Operation, Point } from "../../src/api/types.ts";
import type { Json } from "../../src/protocol/json.ts";
import { applyPatch, type Touch } from "../../src/protocol/patch.ts";
import { Seen } from "../../src/protocol/seen.ts";
import { versionsOf } from "../../src/state/before.ts";
import { Changes } from "../../src/state/changes.ts";
import { isNumeric, numberAt, numericPaths, wholeSeries } from "../../src/state/series.ts";

function change(version: number, ops: Operation[] | null, incarnation = "a"): Change {
  return { incarnation, version, at: version * 1_000, bytes: 1, ops };
}

const unseen = () => undefined;
const set = (path: string, value: number): Operation => ({ op: "replace", path, value });

function befores(...changes: Change[]): unknown[] {
  return versionsOf(changes.reverse(), unseen).flatMap(({ steps }) => steps?.map(({ before }) => before) ?? []).reverse();
}

test("the value before a change is what the last change of the same place set", () => {
  assert.deepEqual(befores(change(2, [set("/a", 1)]), change(3, [set("/b", 5)]), change(4, [set("/a", 2)])), [undefined, undefined, 1]);
});

test("that there was null before is known too", () => {
  const nothing: Operation = { op: "replace", path: "/a", value: null };
  assert.deepEqual(befores(change(2, [nothing]), change(3, [set("/a", 1)])), [undefined, null]);
});

test("what may have moved is not known, rather than guessed", () => {
  const inserted: Operation = { op: "add", path: "/rows/0", value: {} };
  assert.deepEqual(befores(change(2, [set("/rows/1/a", 1)]), change(3, [inserted]), change(4, [set("/rows/1/a", 2)])).at(-1), undefined);
  const whole = set("/rows", 0);
  assert.deepEqual(befores(change(2, [set("/rows/1/a", 1)]), change(3, [whole]), change(4, [set("/rows/1/a", 2)])).at(-1), undefined);
  assert.deepEqual(befores(change(2, [whole]), change(3, [set("/rows/1", 1)]), change(4, [whole])).at(-1), undefined);
});

test("nothing is carried over a gap, a step that is not kept, or another life of the source", () => {
  assert.deepEqual(befores(change(2, [set("/a", 1)]), change(9, [set("/a", 2)])).at(-1), undefined);
  assert.deepEqual(befores(change(2, [set("/a", 1)]), change(3, null), change(4, [set("/a", 2)])).at(-1), undefined);
  const versions = versionsOf([change(2, [set("/a", 2)], "b"), change(131, [set("/a", 1)]), change(117, [set("/a", 0)])], unseen);
  assert.deepEqual(versions.map(({ missing, isNewLife }) => [missing, isNewLife]), [[0, true], [13, false], [0, false]]);
  assert.equal(versions[0]?.steps?.[0]?.before, undefined);
});

test("what the page saw go is told too, and null is a value", () => {
  const seen = new Seen();
  const document = { a: 1, b: null, rows: [{ n: 5 }], "long": "x".repeat(501) };
  const operations: Operation[] = [set("/a", 2), set("/b", 3), set("/rows/0", 4), set("/long", 6)];
  const touched: Touch[] = [];
  applyPatch(document, operations, touched);
  seen.add("a", 7, operations, touched);
  const changes = [change(8, [set("/a", 9)]), change(7, operations), change(6, [set("/b", 0)])];
  const told = versionsOf(changes, ({ incarnation, version }) => seen.before(incarnation, version)).map(({ steps }) => steps?.map(({ before }) => before));
  assert.deepEqual(told, [[2], [1, 0, undefined, undefined], [undefined]]);
  assert.equal(versionsOf(changes.slice(0, 2), ({ incarnation, version }) => seen.before(incarnation, version))[1]?.steps?.[1]?.before, null);
  assert.equal(seen.before("b", 7), undefined);
});

test("what the page saw twice in a version, or moved, is not guessed, and only so many versions are kept", () => {
  const seen = new Seen();
  const apply = (version: number, document: Json, ...operations: Operation[]) => {
    const touched: Touch[] = [];
    applyPatch(document, operations, touched);
    seen.add("a", version, operations, touched);
    return [...(seen.before("a", version) ?? [])];
  };
  assert.deepEqual(apply(1, { a: 1, b: 2 }, set("/a", 2), set("/a", 3), set("/b", 4)), [["/b", 2]]);
  assert.deepEqual(apply(2, { a: 1, b: 2 }, set("/a", 2), { op: "move", from: "/b", path: "/c" }), []);
  assert.deepEqual(apply(3, { a: 1 }, { op: "remove", path: "/a" }, { op: "add", path: "/b", value: 1 }), [["/a", 1]]);
  for (let version = 4; version <= 101; version += 1) apply(version, { a: 1 }, set("/a", 2));
  assert.deepEqual([1, 2, 101].map((version) => seen.before("a", version) === undefined), [true, false, false]);
});

function feed(changes: Change[], limit = 2) {
  return {
    fetch: async ({ cursor }: { cursor?: string }) => {
      const at = Number(cursor ?? 0);
      const next = at + limit < changes.length ? { next: String(at + limit) } : {};
      return { items: changes.slice(at, at + limit), ...next };
    },
    problemOf: (error: unknown) => error as Problem,
    seen: unseen,
  };
}

test("pages follow each other, and what is new comes on top without a double", async () => {
  const all = [5, 4, 3, 2, 1].map((version) => change(version, []));
  const changes = new Changes(feed(all));
  await changes.start();
  await changes.more();
  all.unshift(change(6, []));
  await changes.catchUp();
  assert.deepEqual(changes.versions.value?.map(({ version }) => version), [6, 5, 4, 3, 2]);
});

test("after more news than a page holds the list starts anew: no gap is hidden", async () => {
  const all = [2, 1].map((version) => change(version, []));
  const changes = new Changes(feed(all));
  await changes.start();
  all.unshift(...[6, 5, 4, 3].map((version) => change(version, [])));
  await changes.catchUp();
  assert.deepEqual(changes.versions.value?.map(({ version }) => version), [6, 5]);
  assert.equal(changes.hasMore.value, true);
});

const point = (at: number, mean: number, heldMs = 1_000): Point => ({ at, count: 1, min: mean, max: mean, mean, last: mean, heldMs });

test("a bucket that was cut in two by a page is one again, its mean weighed by time", async () => {
  const pages = [
    { bucket: 1, from: 0, to: 9, points: [point(0, 1), point(1_000, 4, 250)], next: 1_250 },
    { bucket: 1, from: 1_250, to: 9, points: [point(1_000, 8, 750), point(2_000, 3)] },
  ];
  const series = await wholeSeries(async (from) => pages[from === 0 ? 0 : 1] as (typeof pages)[number], 0);
  assert.deepEqual(series.points.map(({ at, mean, count }) => [at, mean, count]), [[0, 1, 1], [1_000, 7, 2], [2_000, 3, 1]]);
});

test("the mean of what did not change is what it was, not beside it", async () => {
  const pages = [
    { bucket: 1, from: 0, to: 9, points: [point(0, 27.84, 333)], next: 333 },
    { bucket: 1, from: 333, to: 9, points: [point(0, 27.84, 8)] },
  ];
  const { points } = await wholeSeries(async (from) => pages[from === 0 ? 0 : 1] as (typeof pages)[number], 0);
  assert.deepEqual(points.map(({ min, mean, max }) => [min, mean, max]), [[27.84, 27.84, 27.84]]);
});

test("numbers are found wherever they are, also as text, and names are escaped", () => {
  const document = JSON.parse('{"a/b": 1, "rows": [{"p": "2.5", "n": "x", "__proto__": 3}], "big": "01"}');
  assert.deepEqual(numericPaths(document), ["/a~1b", "/rows/0/p", "/rows/0/__proto__"]);
  assert.ok(isNumeric(10n) && !isNumeric("") && !isNumeric("1e") && !isNumeric(null));
});

test("the number of now is read from the document, by own members only", () => {
  const document = JSON.parse('{"a/b":1,"rows":[{"p":"2.5","__proto__":3}]}');
  assert.deepEqual(["/a~1b", "/rows/0/p", "/rows/0/__proto__"].map((at) => numberAt(document, at)), [1, 2.5, 3]);
  assert.deepEqual(["/rows", "/rows/0/constructor", "/rows/9/p", "rows", ""].map((at) => numberAt(document, at)), [null, null, null, null, null]);
  assert.equal(numberAt(undefined, "/a"), null);
});
