import assert from "node:assert/strict";
import { test } from "node:test";
import { below, endOf, flatten, placeOf, ROWS_OPEN_MAX, type Chosen, type Node } from "../../src/live/flatten.ts";
import { Opened } from "../../src/live/opened.ts";
import { heirsOf, placeAt, settled, valueAt } from "../../src/live/place.ts";
import { applyPatch, type Operation, type Touch } from "../../src/protocol/patch.ts";
import { writePointer } from "../../src/protocol/pointer.ts";
import type { Json } from "../../src/protocol/json.ts";

const unsaid: Chosen = () => undefined;
const paths = (nodes: readonly Node[]) => nodes.map((node) => writePointer(placeOf(node).path));

function opening(document: Json, ...choices: [path: (string | number)[], isOpen: boolean][]): Opened {
  const opened = new Opened();
  for (const [path, isOpen] of choices) opened.choose(placeAt(document, path), null, isOpen);
  return opened;
}

test("a tree is open to the second level", () => {
  assert.deepEqual(paths(flatten({ a: { b: { c: 1 } } }, unsaid).nodes), ["", "/a", "/a/b"]);
});

test("what the reader opened or closed stays so", () => {
  const document = { a: { b: { c: 1 } } };
  const shown = (path: string[], isOpen: boolean) => paths(flatten(document, opening(document, [path, isOpen]).chosen).nodes);
  assert.deepEqual(shown(["a", "b"], true), ["", "/a", "/a/b", "/a/b/c"]);
  assert.deepEqual(shown([], false), [""]);
});

test("a long list comes in parts of a hundred, the first one open", () => {
  const { nodes } = flatten(Array.from({ length: 450 }, (_, i) => i), unsaid);
  assert.equal(nodes.length, 1 + 5 + 100);
  assert.deepEqual(nodes.filter(({ part }) => part !== null).map(({ label }) => label), [
    "0 … 99", "100 … 199", "200 … 299", "300 … 399", "400 … 449",
  ]);
});

test("open rows are bounded, and the cut is told", () => {
  const wide = Object.fromEntries(Array.from({ length: ROWS_OPEN_MAX }, (_, i) => [`k${i}`, i]));
  const { nodes, isCut } = flatten(wide, unsaid);
  assert.deepEqual([nodes.length, isCut], [ROWS_OPEN_MAX, true]);
});

test("a branch turned over by its own rows is the tree listed anew", () => {
  const items = Array.from({ length: 250 }, (_, i) => ({ n: i, tags: ["a", "b"] }));
  const document = { items, other: { deep: { deeper: 1 } } };
  for (const isOpen of [true, false]) {
    const all = flatten(document, () => isOpen).nodes;
    for (const row of all.keys()) {
      const node = all[row] as Node;
      if (node.size === 0) continue;
      const chosen: Chosen = (of, part) => (of === node.value && part === node.part ? !isOpen : isOpen);
      const inside = isOpen ? [] : below(node, chosen, ROWS_OPEN_MAX).nodes;
      const spliced = [...all.slice(0, row + 1), ...inside, ...all.slice(endOf(all, row))];
      assert.deepEqual(spliced.map(shape), flatten(document, chosen).nodes.map(shape));
    }
  }
});

function shape({ label, depth, size, part, position, siblings }: Node): unknown[] {
  return [label, depth, size, part, position, siblings];
}

test("what does not fit below a branch is said to be cut", () => {
  const [root] = flatten([1, 2, 3], () => false).nodes;
  assert.deepEqual(below(root as Node, unsaid, 2), { nodes: below(root as Node, unsaid, 2).nodes, isCut: true });
  assert.equal(below(root as Node, unsaid, 3).isCut, false);
});

/** The document after the operations, and where a place is then; null where its record is gone. */
function after(document: Json, path: (string | number)[], operations: Operation[]): (string | number)[] | null {
  const place = placeAt(document, path);
  const touched: Touch[] = [];
  const now = applyPatch(document, operations, touched);
  const found = settled(place, now, heirsOf(touched));
  return found && [...found.path];
}

test("a place stays with its record when others come or go before it", () => {
  const rows = () => ({ rows: [{ n: 0 }, { n: 1 }, { n: 2 }] });
  assert.deepEqual(after(rows(), ["rows", 1, "n"], [{ op: "add", path: "/rows/0", value: { n: 9 } }]), ["rows", 2, "n"]);
  assert.deepEqual(after(rows(), ["rows", 1], [{ op: "remove", path: "/rows/0" }]), ["rows", 0]);
  assert.deepEqual(after(rows(), ["rows", 1, "n"], [{ op: "move", from: "/rows/1", path: "/rows/2" }]), ["rows", 2, "n"]);
});

test("a record that is gone takes its place with it, one that was replaced leaves it to its heir", () => {
  const rows = () => ({ rows: [{ n: 0 }, { n: 1 }] });
  assert.equal(after(rows(), ["rows", 0, "n"], [{ op: "remove", path: "/rows/0" }]), null);
  assert.equal(after(rows(), ["rows", 0, "n"], [{ op: "remove", path: "/rows/0/n" }]), null);
  const replaced: Operation[] = [
    { op: "replace", path: "/rows/0", value: { n: 5 } }, { op: "replace", path: "/rows/0", value: { n: 6 } }, { op: "add", path: "/rows/0", value: 1 },
  ];
  assert.deepEqual(after(rows(), ["rows", 0, "n"], replaced), ["rows", 1, "n"]);
});

test("in another copy of the document a place is its path", () => {
  const place = placeAt({ rows: [{ n: 0 }, { n: 1 }] }, ["rows", 1, "n"]);
  const now = settled(place, { rows: [{ n: 3 }, { n: 4 }] }, new Map());
  assert.equal(now && valueAt(now), 4);
  assert.equal(settled(place, { rows: [{ n: 3 }] }, new Map()), null);
});

test("names that objects inherit are places only where they are members", () => {
  const document = JSON.parse('{"__proto__": {"constructor": 1}}') as Json;
  assert.equal(valueAt(placeAt(document, ["__proto__", "constructor"])), 1);
  assert.equal(settled(placeAt(document, ["__proto__", "constructor"]), {}, new Map()), null);
});

test("what was opened is open with its record, not with its row", () => {
  const document = { rows: [{ n: 0, inner: { a: 1 } }, { n: 1, inner: { a: 2 } }] };
  const opened = opening(document, [["rows", 0], true], [["rows", 0, "inner"], true]);
  const touched: Touch[] = [];
  applyPatch(document, [{ op: "add", path: "/rows/0", value: { n: 9, inner: { a: 3 } } }], touched);
  opened.settle(document, heirsOf(touched));
  const open = ["", "/rows", "/rows/0", "/rows/1", "/rows/1/n", "/rows/1/inner", "/rows/1/inner/a", "/rows/2"];
  assert.deepEqual(paths(flatten(document, opened.chosen).nodes), open);

  const copy = structuredClone(document);
  opened.settle(copy, new Map());
  assert.deepEqual(paths(flatten(copy, opened.chosen).nodes), open);
});
