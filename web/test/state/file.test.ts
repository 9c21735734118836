import assert from "node:assert/strict";
import { test } from "node:test";
import type { Imported } from "../../src/api/types.ts";
import { importAll, readFile } from "../../src/state/file.ts";

test("a file is what an export wrote, or only its list", () => {
  assert.deepEqual(readFile('{"items": [{"name": "a"}]}'), [{ name: "a" }]);
  assert.deepEqual(readFile('[{"name": "a"}]'), [{ name: "a" }]);
  for (const text of ["{}", "[]", "null", '"x"', '{"items": 1}']) assert.throws(() => readFile(text), /no list/);
  assert.throws(() => readFile("{"), /not JSON/);
});

test("a long file goes in parts, and what is refused is named", async () => {
  const items = Array.from({ length: 250 }, (_, i) => ({ name: `s${i}` }));
  const parts: number[] = [];
  const importSources = async (part: readonly unknown[]): Promise<Imported> => {
    parts.push(part.length);
    return { created: part.length - 1, unchanged: 0, items: [{ index: 2, outcome: "refused", errors: [{ field: "url", message: "is missing" }] }] };
  };
  const outcome = await importAll({ importSources }, items, true);
  assert.deepEqual(parts, [100, 100, 50]);
  assert.equal(outcome.created, 247);
  assert.deepEqual(outcome.refused.map(({ name }) => name), ["s2", "s102", "s202"]);
  assert.equal(outcome.refused[0]?.why, "url: is missing");
});
