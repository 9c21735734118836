import assert from "node:assert/strict";
import { test } from "node:test";
import type { Fleet, Source } from "../../src/api/types.ts";
import { staleWhy } from "../../src/state/stale.ts";

const NOW_MS = 1_000_000_000;
const SOURCE: Pick<Source, "type" | "shard" | "enabled" | "status" | "pollingInterval"> = {
  type: "external", shard: 3, enabled: true, pollingInterval: 10, status: { state: "healthy", why: "", since: 0 },
};

function fleetOf(state: string, overdueMs: number, owners: Record<string, string> = { 3: "w1" }): Fleet {
  const worker = { id: "w1", state, beatAt: null, owned: 1, load: 0, overdueMs };
  return { kinds: { external: { shards: 4, tasks: null, workers: [worker], owners, epochs: {}, moves: [] } } };
}

test("a healthy source is fresh while somebody alive polls it in time", () => {
  assert.equal(staleWhy(SOURCE, fleetOf("UP", 0), NOW_MS), "");
  assert.equal(staleWhy(SOURCE, fleetOf("UP", 60_000), NOW_MS), "");
  assert.match(staleWhy(SOURCE, fleetOf("UP", 61_000), NOW_MS), /1 min behind/);
  assert.equal(staleWhy({ ...SOURCE, pollingInterval: 60 }, fleetOf("UP", 61_000), NOW_MS), "");
  assert.match(staleWhy(SOURCE, fleetOf("DEAD", 0), NOW_MS), /dead/);
  assert.match(staleWhy(SOURCE, fleetOf("UP", 0, {}), NOW_MS), /no worker/);
});

test("a failing source is stale once its last good poll is old, whoever polls it", () => {
  const failing = (agoMs: number) => ({ ...SOURCE, status: { state: "failing", why: "HTTP 429", since: 1, lastGood: NOW_MS - agoMs } as const });
  assert.equal(staleWhy(failing(59_000), fleetOf("UP", 0), NOW_MS), "");
  assert.match(staleWhy(failing(360_000), fleetOf("UP", 0), NOW_MS), /6 min/);
});

test("nothing is said against a source that is paused, new, or polled by a fleet that is not known yet", () => {
  assert.equal(staleWhy({ ...SOURCE, enabled: false }, fleetOf("DEAD", 0), NOW_MS), "");
  assert.equal(staleWhy({ ...SOURCE, status: { state: "new", why: "", since: 0 } }, fleetOf("DEAD", 0), NOW_MS), "");
  assert.equal(staleWhy(SOURCE, null, NOW_MS), "");
});
