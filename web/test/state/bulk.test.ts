import assert from "node:assert/strict";
import { test } from "node:test";
import { Problem } from "../../src/api/problem.ts";
import type { Source } from "../../src/api/types.ts";
import { each, setEnabled } from "../../src/state/bulk.ts";

test("what fails stops nothing and is said by name; few run at once", async () => {
  let [running, most] = [0, 0];
  const failures = await each(Array.from({ length: 10 }, (_, i) => ({ name: `s${i}` })), async ({ name }) => {
    most = Math.max(most, ++running);
    await new Promise((resolve) => setImmediate(resolve));
    running -= 1;
    if (name === "s3") throw new Error("gone");
  });
  assert.deepEqual(failures, [{ name: "s3", why: "gone" }]);
  assert.equal(most, 4);
});

test("a pause lands on top of somebody else's edit", async () => {
  const seen: number[] = [];
  const api = {
    update: async (_id: string, revision: number) => {
      seen.push(revision);
      if (revision !== 8) throw new Problem(412, "edited", [], { current: { revision: 8, enabled: true } });
      return { enabled: false } as Source;
    },
  };
  assert.equal((await setEnabled(api, { id: "x", revision: 7 }, false)).enabled, false);
  assert.deepEqual(seen, [7, 8]);
});
