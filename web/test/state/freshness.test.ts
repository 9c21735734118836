import assert from "node:assert/strict";
import { test } from "node:test";
import { backText, doubts, type Shown } from "../../src/state/freshness.ts";

const FINE: Shown = { link: "live", isEnabled: true, status: { state: "healthy", why: "", since: 0 }, atMs: 5 };

function of(shown: Partial<Shown>): string[] {
  return doubts({ ...FINE, ...shown }).map((doubt) => doubt.of);
}

test("the page's connection and the source's freshness are told apart, and told together where both are bad", () => {
  const failing = { state: "failing", why: "HTTP 500", since: 1, lastGood: 3 } as const;
  assert.deepEqual(of({}), []);
  assert.deepEqual(of({ link: "reconnecting" }), ["link"]);
  assert.deepEqual(of({ status: failing }), ["source"]);
  assert.deepEqual(of({ link: "offline", status: failing }), ["link", "source"]);
});

test("a paused source is paused, whatever its last state", () => {
  const [doubt] = doubts({ ...FINE, isEnabled: false, status: { state: "failing", why: "HTTP 500", since: 1 } });
  assert.match(doubt?.text ?? "", /^Paused/);
});

test("what nobody asks is stale, and since when; a failing source is not said to be so twice", () => {
  const stale = { why: "its worker is dead", sinceMs: 7 };
  const [doubt] = doubts({ ...FINE, stale });
  assert.deepEqual(doubt, { of: "stale", text: "Stale: its worker is dead", atMs: 7 });
  assert.deepEqual(of({ stale, status: { state: "failing", why: "HTTP 500", since: 1 } }), ["source"]);
});

test("a certificate that is about to end is told while all is well, and of a source that is polled", () => {
  const status = { state: "healthy", why: "", since: 0, certificateDays: 3 } as const;
  assert.match(doubts({ ...FINE, status })[0]?.text ?? "", /ends within 3 days: it has to be renewed/);
  assert.deepEqual(of({ status, isEnabled: false }), ["source"]);
});

test("a first connection is no reason to doubt what is not there yet", () => {
  assert.deepEqual(of({ link: "connecting", atMs: 0 }), []);
});

test("the way back says whether steps were caught up or a copy was taken", () => {
  const away = { incarnation: "a", version: 7 };
  assert.equal(backText(away, { incarnation: "a", version: 9 }, false), "Back: caught up by 2 versions.");
  assert.equal(backText(away, away, false), "Back.");
  assert.equal(backText(away, { incarnation: "a", version: 9 }, true), "Back: took a fresh copy.");
  assert.equal(backText(away, { incarnation: "b", version: 8 }, false), "Back: took a fresh copy.");
});
