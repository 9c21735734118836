/**
 * Whether anybody still looks at a source.
 *
 * Nobody writes down each poll: a source is fresh while its state is good, somebody alive owns its shard, and that
 * worker is not far behind. Where the fleet is not known yet nothing is said against it.
 */

import type { Fleet, Source } from "../api/types.ts";
import { duration } from "./since.ts";

/** Short intervals are given at least this long: a minute without a poll is no trouble to whoever reads. */
const GRACE_LEAST_MS = 60_000;
const INTERVALS_MISSED = 3;

/** Why what is shown of a source may be older than its interval says; empty where it is fresh, or was never polled. */
export function staleWhy(source: Pick<Source, "type" | "shard" | "enabled" | "status" | "pollingInterval">, fleet: Fleet | null, nowMs: number): string {
  const { enabled, status } = source;
  const graceMs = Math.max(INTERVALS_MISSED * source.pollingInterval * 1_000, GRACE_LEAST_MS);
  if (!enabled || status.state === "new") return "";
  if (status.state !== "healthy" && status.state !== "degraded") {
    return status.lastGood && nowMs - status.lastGood > graceMs ? `no good poll for ${duration(nowMs - status.lastGood)}` : "";
  }
  const kind = fleet?.kinds[source.type];
  if (kind === undefined || source.shard === undefined) return "";
  const owner = kind.owners[String(source.shard)];
  if (owner === undefined) return "no worker polls it";
  const worker = kind.workers.find(({ id }) => id === owner);
  if (worker === undefined || worker.state === "DEAD") return "its worker is dead";
  return worker.overdueMs > graceMs ? `its worker is ${duration(worker.overdueMs)} behind` : "";
}
