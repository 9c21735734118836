import assert from "node:assert/strict";
import { test } from "node:test";
import { tsv } from "../../src/live/copy.ts";

test("a row is one line of cells, whatever its texts hold", () => {
  assert.equal(tsv(["a\tb\nc", 2.5, true, null, undefined, 10n]), "a b c\t2.5\ttrue\t\t\t10");
  assert.equal(tsv([{ a: [1n, "x\ny"] }]), '{"a":["1","x\\ny"]}');
});

test("no feed writes a formula into somebody's spreadsheet, and numbers stay numbers", () => {
  for (const evil of ["=1+1", "+cmd", "-1+cmd", "@SUM(A1)", "\t=1"]) assert.match(tsv([evil]), /^'/, evil);
  for (const number of ["-1", "-1.5e3", ".5"]) assert.equal(tsv([number]), number);
  assert.equal(tsv([-1]), "-1");
});
