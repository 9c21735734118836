import assert from "node:assert/strict";
import { test } from "node:test";
import { canonical, DEPTH_MAX, hashOf, NotCanonical, same } from "../../src/protocol/canonical.ts";
import { parseJson, type Json } from "../../src/protocol/json.ts";
import { golden } from "../golden.ts";

interface Vector {
  name: string;
  json: string;
  canonical: string;
  hash: string;
}

for (const vector of golden<Vector[]>("canonical.json")) {
  test(`canonical: ${vector.name}`, async () => {
    assert.equal(canonical(parseJson(vector.json)), vector.canonical);
    assert.equal(await hashOf(parseJson(vector.json)), vector.hash);
  });
}

test("members are written in the order of their UTF-16 code units", () => {
  assert.equal(canonical({ "\u{1f600}": 1, "\uffff": 2, b: 3, a: 4 }), '{"a":4,"b":3,"\u{1f600}":1,"\uffff":2}');
});

test("numbers are written as ECMAScript writes them", () => {
  const written = canonical(parseJson("[1.0, 1e2, -0, 1e21, 1e-7, 0.1, 333333333.33333329]"));
  assert.equal(written, "[1,100,0,1e+21,1e-7,0.1,333333333.3333333]");
});

test("integers beyond 2^53 keep every digit", () => {
  assert.equal(canonical(parseJson('{"id": 9007199254740993}')), '{"id":9007199254740993}');
  assert.equal(canonical(parseJson("123456789012345678901234567890")), "123456789012345678901234567890");
});

test("digits inside a text are left alone", () => {
  assert.equal(parseJson('"9007199254740993"'), "9007199254740993");
});

test("__proto__ is a key like any other", () => {
  assert.equal(canonical(parseJson('{"__proto__": {"a": 1}, "n": 9007199254740993}')), '{"__proto__":{"a":1},"n":9007199254740993}');
});

test("a document deeper than the bound is refused, not a crash", () => {
  let deep: Json = 1;
  for (let level = 0; level <= DEPTH_MAX; level += 1) deep = [deep];
  assert.throws(() => canonical(deep), NotCanonical);
});

test("one and true are two values, 1 and 1.0 are one", () => {
  assert.ok(same(parseJson("1.0"), 1));
  assert.ok(same(100000000000000000000, 100000000000000000000n));
  assert.ok(!same(1, true));
  assert.ok(!same(1, "1"));
  assert.ok(!same(null, false));
});

test("the hash is 16 hex digits of SHA-256 of the canonical form", async () => {
  assert.equal(await hashOf({}), "44136fa355b3678a");
});
