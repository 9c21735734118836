import assert from "node:assert/strict";
import { test } from "node:test";
import type { Fleet, Source } from "../../src/api/types.ts";
import { staleOf } from "../../src/state/stale.ts";

const whyOf = (...about: Parameters<typeof staleOf>) => staleOf(...about)?.why ?? "";

const NOW_MS = 1_000_000_000;
const SOURCE: Pick<Source, "type" | "shard" | "enabled" | "status" | "pollingInterval"> = {
  type: "external", shard: 3, enabled: true, pollingInterval: 10, status: { state: "healthy", why: "", since: 0 },
};

function fleetOf(state: string, overdueMs: number, owners: Record<string, string> = { 3: "w1" }): Fleet {
  const worker = { id: "w1", state, beatAt: new Date(NOW_MS - 5_000).toISOString(), owned: 1, load: 0, overdueMs, overloaded: false, polls: { polls: 0, failed: 0, troubled: 0 } };
  return { kinds: { external: { shards: 4, tasks: null, workers: [worker], owners, epochs: {}, moves: [{ shard: 3, at: new Date(NOW_MS - 9_000).toISOString(), why: "drain", from: "w1", to: null, epoch: 2 }] } } };
}

test("a healthy source is fresh while somebody alive polls it in time", () => {
  assert.equal(whyOf(SOURCE, fleetOf("UP", 0), NOW_MS), "");
  assert.equal(whyOf(SOURCE, fleetOf("UP", 60_000), NOW_MS), "");
  assert.match(whyOf(SOURCE, fleetOf("UP", 61_000), NOW_MS), /1 min behind/);
  assert.equal(whyOf({ ...SOURCE, pollingInterval: 60 }, fleetOf("UP", 61_000), NOW_MS), "");
  assert.match(whyOf(SOURCE, fleetOf("DEAD", 0), NOW_MS), /dead for 5 s/);
  assert.match(whyOf(SOURCE, fleetOf("UP", 0, {}), NOW_MS), /no worker polls it for 9 s/);
});

test("since when nobody looked is told where it is known", () => {
  assert.equal(staleOf(SOURCE, fleetOf("DEAD", 0), NOW_MS)?.sinceMs, NOW_MS - 5_000);
  assert.equal(staleOf(SOURCE, fleetOf("UP", 61_000), NOW_MS)?.sinceMs, NOW_MS - 61_000);
  assert.equal(staleOf(SOURCE, fleetOf("UP", 0, {}), NOW_MS)?.sinceMs, NOW_MS - 9_000);
  assert.equal(staleOf({ ...SOURCE, shard: 2 }, fleetOf("UP", 0, {}), NOW_MS)?.sinceMs, null);
});

test("a failing source is stale once its last good poll is old, whoever polls it", () => {
  const failing = (agoMs: number) => ({ ...SOURCE, status: { state: "failing", why: "HTTP 429", since: 1, lastGood: NOW_MS - agoMs } as const });
  assert.equal(whyOf(failing(59_000), fleetOf("UP", 0), NOW_MS), "");
  assert.match(whyOf(failing(360_000), fleetOf("UP", 0), NOW_MS), /6 min/);
});

test("nothing is said against a source that is paused, new, or polled by a fleet that is not known yet", () => {
  assert.equal(whyOf({ ...SOURCE, enabled: false }, fleetOf("DEAD", 0), NOW_MS), "");
  assert.equal(whyOf({ ...SOURCE, status: { state: "new", why: "", since: 0 } }, fleetOf("DEAD", 0), NOW_MS), "");
  assert.equal(whyOf(SOURCE, null, NOW_MS), "");
});
