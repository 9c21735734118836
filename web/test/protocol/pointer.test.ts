import assert from "node:assert/strict";
import { test } from "node:test";
import { BadPointer, parsePointer, writePointer } from "../../src/protocol/pointer.ts";

test("what is written is read back, whatever the names", () => {
  for (const tokens of [[], [""], ["a/b", "m~n", "~1", "0", "__proto__"]]) {
    assert.deepEqual(parsePointer(writePointer(tokens)), tokens);
  }
});

test("a pointer without its slash or with a bare tilde is refused", () => {
  for (const pointer of ["a", "a/b", "/~", "/~2", "/a~"]) assert.throws(() => parsePointer(pointer), BadPointer);
});
