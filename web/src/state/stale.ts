/**
 * Whether anybody still looks at a source.
 *
 * Nobody writes down each poll: a source is fresh while its state is good, somebody alive owns its shard, and that
 * worker is not far behind. Where the fleet is not known yet nothing is said against it.
 */

import type { Fleet, Move, Source } from "../api/types.ts";
import { duration } from "./since.ts";

/** Short intervals are given at least this long: a minute without a poll is no trouble to whoever reads. */
const GRACE_LEAST_MS = 60_000;
const INTERVALS_MISSED = 3;

/** Why what is shown of a source may be older than its interval says, and since when nobody looked. */
export interface Stale {
  why: string;
  /** ms since the epoch; null is not known. */
  sinceMs: number | null;
}

/** null where a source is fresh, or was never polled. */
export function staleOf(source: Pick<Source, "type" | "shard" | "enabled" | "status" | "pollingInterval">, fleet: Fleet | null, nowMs: number): Stale | null {
  const { enabled, status } = source;
  const graceMs = Math.max(INTERVALS_MISSED * source.pollingInterval * 1_000, GRACE_LEAST_MS);
  if (!enabled || status.state === "new") return null;
  if (status.state !== "healthy" && status.state !== "degraded") {
    return status.lastGood && nowMs - status.lastGood > graceMs ? since("no good poll", status.lastGood, nowMs) : null;
  }
  const kind = fleet?.kinds[source.type];
  if (kind === undefined || source.shard === undefined) return null;
  const owner = kind.owners[String(source.shard)];
  if (owner === undefined) return since("no worker polls it", leftAtMs(kind.moves, source.shard), nowMs);
  const worker = kind.workers.find(({ id }) => id === owner);
  if (worker === undefined || worker.state === "DEAD") return since("its worker is dead", worker?.beatAt ? Date.parse(worker.beatAt) : null, nowMs);
  return worker.overdueMs > graceMs ? { why: `its worker is ${duration(worker.overdueMs)} behind`, sinceMs: nowMs - worker.overdueMs } : null;
}

function since(why: string, sinceMs: number | null, nowMs: number): Stale {
  return { why: sinceMs === null ? why : `${why} for ${duration(nowMs - sinceMs)}`, sinceMs };
}

/** When its last owner left a shard, as far as that is among the newest moves. */
function leftAtMs(moves: readonly Move[], shard: number): number | null {
  const move = moves.find((one) => one.shard === shard && one.to === null);
  return move === undefined ? null : Date.parse(move.at);
}
