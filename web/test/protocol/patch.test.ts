import assert from "node:assert/strict";
import { test } from "node:test";
import { canonical } from "../../src/protocol/canonical.ts";
import type { Json } from "../../src/protocol/json.ts";
import { applyPatch, PatchFailed, type Operation, type Touch } from "../../src/protocol/patch.ts";
import { golden } from "../golden.ts";

interface Case {
  name: string;
  document: Json;
  ops: Operation[];
  result: Json;
  fails?: true;
}

for (const { name, document, ops, result, fails } of golden<Case[]>("patch.json")) {
  test(`patch: ${name}`, () => {
    if (fails) assert.throws(() => applyPatch(document, ops, []), PatchFailed);
    else assert.equal(canonical(applyPatch(document, ops, [])), canonical(result));
  });
}

test("a patch never reaches the prototypes of the page", () => {
  const added = JSON.parse('{"polluted": true}') as Json;
  applyPatch({}, [{ op: "add", path: "/__proto__", value: added }], []);
  assert.equal(({} as Record<string, unknown>)["polluted"], undefined);
});

test("what changed is told with its old and new value", () => {
  const touched: Touch[] = [];
  const rows = [{ price: 1 }];
  applyPatch(rows, [{ op: "replace", path: "/0/price", value: 2 }], touched);
  assert.deepEqual(touched, [{ container: rows[0], key: "price", before: 1, after: 2 }]);
});

test("500 operations on 10,000 rows take less than 100 ms of the processor", () => {
  // A generous ceiling: it catches work per row, not a slow or busy machine.
  const rows = Array.from({ length: 10_000 }, (_, id) => ({ id, price: id }));
  const ops: Operation[] = rows.slice(0, 500).map((row) => ({ op: "replace", path: `/${row.id}/price`, value: -1 }));
  const before = process.cpuUsage();
  applyPatch(rows, ops, []);
  const { user, system } = process.cpuUsage(before);
  assert.ok(user + system < 100_000);
});
