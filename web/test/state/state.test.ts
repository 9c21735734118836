import assert from "node:assert/strict";
import { test } from "node:test";
import type { Source } from "../../src/api/types.ts";
import { failureOf, suggestedName, toFields, toPatch, toPreview, toSource, typed, typedOf, warningsOf, withLines } from "../../src/state/typed.ts";
import { pauseMs } from "../../src/state/pace.ts";
import { ago, axisTime, duration } from "../../src/state/since.ts";
import { matches, remark, standing, worstFirst } from "../../src/state/standing.ts";
import { readRoute, readToken, sourceAddress, toPointer } from "../../src/route.ts";

test("what was left empty is not sent, so that the server's defaults hold", () => {
  assert.deepEqual(toSource(typed({ url: " https://a.example/prices.json " })), {
    name: "a.example · prices.json",
    type: "external",
    dataFormat: "auto",
    url: "https://a.example/prices.json",
    pollingInterval: 10,
  });
});

test("headers, key and pointers are read line by line", () => {
  const source = toSource(typed({ url: "https://a.example", headers: "Accept: a/b\nX-B:c:d", apiKey: "k", authScheme: "query", authName: "key", ignore: "/a\n\n/b" }));
  assert.deepEqual(source.headers, { Accept: "a/b", "X-B": "c:d" });
  assert.deepEqual(source.auth, { scheme: "query", name: "key" });
  assert.deepEqual(source.ignore, ["/a", "/b"]);
});

const STORED: Source = {
  id: "external-1", name: "Prices", type: "external", dataFormat: "json", url: "https://a.example/p", pollingInterval: 5,
  headers: { Accept: "a/b", Cookie: "***" }, auth: { scheme: "query", name: "key" }, ignore: ["/at"], tags: ["x", "y"],
  apiKeySecretId: "secret", enabled: true, revision: 3, status: { state: "healthy", why: "", since: 0 },
};

test("an edit sends only what was changed, and what was emptied as empty", () => {
  const before = typedOf(STORED);
  assert.deepEqual(toPatch(STORED, before), {});
  assert.deepEqual(toPatch(STORED, { ...before, tags: "", pollingInterval: "9" }), { tags: [], pollingInterval: 9 });
  assert.deepEqual(toPatch(STORED, { ...before, apiKey: "new", authName: "k2" }), { apiKey: "new", auth: { scheme: "query", name: "k2" } });
});

test("a look at an edit names the secret that is set instead of a key that nobody can read", () => {
  const looked = toPreview(typedOf(STORED), STORED);
  assert.equal(looked.apiKeySecretId, "secret");
  assert.deepEqual(looked.auth, { scheme: "query", name: "key" });
  assert.equal(toPreview({ ...typedOf(STORED), apiKey: "new" }, STORED).apiKeySecretId, undefined);
});

test("what a try finds is said at the field where it is mended", () => {
  const preview = { ok: false, reason: "unauthorized", why: "401", warnings: [{ code: "slow", message: "slow" }, { code: "other", message: "b" }] } as unknown as Parameters<typeof failureOf>[0];
  assert.deepEqual([...failureOf(preview)], [["apiKey", "401"]]);
  assert.deepEqual([...warningsOf(preview)], [["pollingInterval", "Slow."], ["url", "B."]]);
});

test("each state says why; a source that is well, that it has recovered, for an hour, or that its certificate ends", () => {
  const of = (status: Partial<Source["status"]>, enabled = true) => remark({ enabled, status: { state: "healthy", why: "w", since: 0, ...status } }, 3_600_000);
  for (const state of ["degraded", "failing", "dormant", "new"] as const) assert.equal(of({ state }), "w");
  assert.equal(of({ since: 1 }), "w");
  assert.equal(of({}), "");
  assert.equal(of({ state: "failing" }, false), "");
  assert.equal(of({ certificateDays: 1 }), "Its certificate ends within a day");
  const listed = [{ name: "a" }, { name: "b", certificateDays: 7 }, { name: "c", certificateDays: 3 }].map(({ name, certificateDays = null }) =>
    ({ ...STORED, name, incarnation: "i", version: 1, changedAt: null, status: { ...STORED.status, certificateDays } }));
  assert.deepEqual(listed.sort(worstFirst).map(({ name }) => name), ["c", "b", "a"]);
});

test("marks below a chart are times of day, and a day where one begins or marks are days apart", () => {
  const at = (hour: number, minute: number) => new Date(2026, 10, 27, hour, minute).getTime();
  assert.equal(axisTime(at(23, 5), 300), "23:05");
  assert.equal(axisTime(at(23, 5), 5), "23:05:00");
  for (const text of [axisTime(at(0, 0), 300), axisTime(at(12, 0), 86_400)]) assert.match(text, /27/);
});

test("suggested pointers are added once", () => {
  assert.equal(withLines("/a\n\n/b ", ["/b", "/c"]), "/a\n/b\n/c");
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
  assert.deepEqual(readRoute(sourceAddress("external-1/2")), { page: "source", id: "external-1/2", tab: "live", place: "" });
  assert.deepEqual(readRoute(sourceAddress("x", "charts", "/a~1b/%")), { page: "source", id: "x", tab: "charts", place: "/a~1b/%" });
  assert.deepEqual(readRoute("#/sources/x/nonsense"), { page: "source", id: "x", tab: "live", place: "" });
  assert.deepEqual(readRoute("#/fleet"), { page: "fleet" });
  assert.deepEqual(readRoute("#/sources/%"), { page: "source", id: "%", tab: "live", place: "" });
  assert.deepEqual(readRoute("#nonsense"), { page: "sources" });
});

test("a token is read from the fragment only where it says so", () => {
  assert.equal(readToken("#token=smf_1_2"), "smf_1_2");
  assert.equal(readToken("#/sources"), null);
  assert.equal(readToken("#token="), null);
});

test("a slow answer makes the page ask less often, but never leaves it blind", () => {
  assert.deepEqual([10, 500, 2_500, 60_000].map(pauseMs), [3_000, 5_000, 10_000, 10_000]);
});

test("a pointer may be typed without its first slash", () => {
  assert.deepEqual(["", " ", "rows/0", " /rows/0 ", "/"].map(toPointer), ["", "", "/rows/0", "/rows/0", "/"]);
});
