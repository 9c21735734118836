import assert from "node:assert/strict";
import { test } from "node:test";
import { interval, sentence } from "../../src/state/interval.ts";

test("an interval that Google's quota stretches is told beside the one that was asked for", () => {
  assert.equal(interval({ pollingInterval: 10, achievableInterval: 21 }), "about 21 s instead of 10 s");
});

test("any other is told as it is", () => {
  assert.equal(interval({ pollingInterval: 5 }), "5 s");
  assert.equal(interval({ pollingInterval: 60, achievableInterval: 60 }), "60 s");
  assert.equal(interval({ pollingInterval: 60, achievableInterval: null }), "60 s");
});

test("the API's words become a sentence", () => {
  assert.equal(sentence("all sheets wish for more"), "All sheets wish for more.");
});
