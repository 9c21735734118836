import assert from "node:assert/strict";
import { test } from "node:test";
import type { Source } from "../../src/api/types.ts";
import { suggestedName, toFields, toSource } from "../../src/state/new-source.ts";
import { ago, duration } from "../../src/state/since.ts";
import { matches, standing } from "../../src/state/standing.ts";
import { readRoute, readToken, sourceAddress } from "../../src/route.ts";

test("what was left empty is not sent, so that the server's defaults hold", () => {
  const typed = { url: " https://a.example/prices.json ", name: "", pollingInterval: "10", dataFormat: "auto", apiKey: "", headers: "" };
  assert.deepEqual(toSource(typed), {
    name: "a.example · prices.json",
    type: "external",
    dataFormat: "auto",
    url: "https://a.example/prices.json",
    pollingInterval: 10,
  });
});

test("headers, key and pointers are read line by line", () => {
  const source = toSource({ url: "https://a.example", headers: "Accept: a/b\nX-B:c:d", apiKey: "k", authScheme: "query", authName: "key", ignore: "/a\n\n/b" });
  assert.deepEqual(source.headers, { Accept: "a/b", "X-B": "c:d" });
  assert.deepEqual(source.auth, { scheme: "query", name: "key" });
  assert.deepEqual(source.ignore, ["/a", "/b"]);
});

test("an error is put at the field it is about, whatever part of it is wrong", () => {
  const fields = toFields([
    { field: "headers.Accept", message: "one" },
    { field: "auth.name", message: "two" },
    { field: "ignore.0", message: "three" },
    { field: "type", message: "four" },
    { field: "shard", message: "five" },
  ]);
  assert.deepEqual([...fields], [["headers", "one"], ["authName", "two"], ["ignore", "three"], ["url", "four"], ["", "shard: five"]]);
});

test("a name is suggested from an address, and none from half of one", () => {
  assert.equal(suggestedName("https://a.example/"), "a.example");
  assert.equal(suggestedName("https:/"), "");
});

test("a paused source is paused, whatever its last state", () => {
  const source = (enabled: boolean, state: Source["status"]["state"]) => ({ enabled, status: { state, why: "", since: 0 } });
  assert.equal(standing(source(false, "failing")), "paused");
  assert.equal(standing(source(true, "new")), "waiting");
});

test("a search finds every word somewhere in name, address, id or tags", () => {
  const source = { id: "external-1", name: "Prices", url: "https://a.example", tags: ["Demo"] } as Source;
  assert.ok(matches(source, "prices demo"));
  assert.ok(!matches(source, "prices other"));
});

test("durations are said in one unit", () => {
  assert.deepEqual([0, 59_000, 60_000, 7_200_000, 180_000_000].map(duration), ["0 s", "59 s", "1 min", "2 h", "2 d"]);
  assert.equal(ago(0, 1_000), "just now");
});

test("an address leads to its page and back", () => {
  assert.deepEqual(readRoute(sourceAddress("external-1/2")), { page: "source", id: "external-1/2" });
  assert.deepEqual(readRoute("#/fleet"), { page: "fleet" });
  assert.deepEqual(readRoute("#/sources/%"), { page: "source", id: "%" });
  assert.deepEqual(readRoute("#nonsense"), { page: "sources" });
});

test("a token is read from the fragment only where it says so", () => {
  assert.equal(readToken("#token=smf_1_2"), "smf_1_2");
  assert.equal(readToken("#/sources"), null);
  assert.equal(readToken("#token="), null);
});
