import assert from "node:assert/strict";
import { test } from "node:test";
import { interval, sentence } from "../../src/state/interval.ts";

test("an interval that Google's quota stretches is told beside the one that was asked for", () => {
  assert.equal(interval({ pollingInterval: 10, achievableInterval: 21 }), "about 21 s instead of 10 s");
});

test("any other is told in the largest unit that says it exactly", () => {
  assert.equal(interval({ pollingInterval: 5 }), "5 s");
  assert.equal(interval({ pollingInterval: 60, achievableInterval: 60 }), "1 min");
  assert.equal(interval({ pollingInterval: 90, achievableInterval: null }), "90 s");
  assert.equal(interval({ pollingInterval: 7_200 }), "2 h");
  assert.equal(interval({ pollingInterval: 86_400 }), "1 d");
});

test("the API's words become a sentence", () => {
  assert.equal(sentence("all sheets wish for more"), "All sheets wish for more.");
  assert.equal(sentence("it is one."), "It is one.");
});
