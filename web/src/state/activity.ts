/**
 * How often each source changed while this page was open: counted from the versions that the list tells.
 *
 * Between two looks nobody knows when it changed. After a pause (another page, a hidden tab) the changes are spread over
 * all of it: an hour's would else look like those of the last seconds.
 */

const BUCKET_MS = 10_000;
const BUCKETS = 30;
export const ACTIVITY_MIN = (BUCKET_MS * BUCKETS) / 60_000;

interface Seen {
  incarnation: string;
  version: number;
  atMs: number;
  /** By bucket number. */
  counts: Map<number, number>;
}

export class Activity {
  private seen = new Map<string, Seen>();

  /** Take note of where all sources stand now; those that are gone are forgotten. */
  note(sources: readonly { id: string; incarnation: string; version: number }[], nowMs: number): void {
    const bucket = Math.floor(nowMs / BUCKET_MS);
    const next = new Map<string, Seen>();
    for (const { id, incarnation, version } of sources) {
      const before = this.seen.get(id);
      const isSame = before?.incarnation === incarnation;
      const counts = isSame ? before.counts : new Map<number, number>();
      if (isSame) spread(counts, version - before.version, Math.floor(before.atMs / BUCKET_MS), bucket);
      for (const old of counts.keys()) if (old <= bucket - BUCKETS) counts.delete(old);
      next.set(id, { incarnation, version, atMs: nowMs, counts });
    }
    this.seen = next;
  }

  /** Changes by bucket, the oldest first. */
  of(id: string, nowMs: number): number[] {
    const first = Math.floor(nowMs / BUCKET_MS) - BUCKETS + 1;
    const counts = this.seen.get(id)?.counts;
    return Array.from({ length: BUCKETS }, (_, i) => counts?.get(first + i) ?? 0);
  }
}

/** Add what changed after the look in the bucket `seen` up to the one in `bucket`. */
function spread(counts: Map<number, number>, changes: number, seen: number, bucket: number): void {
  const length = Math.max(1, bucket - seen);
  for (let i = Math.max(0, length - BUCKETS); i < length; i += 1) {
    // Whole ones, and together as many as there were.
    const share = Math.floor((changes * (i + 1)) / length) - Math.floor((changes * i) / length);
    const at = bucket - length + 1 + i;
    if (share > 0) counts.set(at, (counts.get(at) ?? 0) + share);
  }
}
