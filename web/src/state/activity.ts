/** How often each source changed while this page was open: counted from the versions that the list tells. */

const BUCKET_MS = 10_000;
const BUCKETS = 30;
export const ACTIVITY_MIN = (BUCKET_MS * BUCKETS) / 60_000;

interface Seen {
  incarnation: string;
  version: number;
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
      const counts = before?.incarnation === incarnation ? before.counts : new Map<number, number>();
      const changes = before?.incarnation === incarnation ? version - before.version : 0;
      if (changes > 0) counts.set(bucket, (counts.get(bucket) ?? 0) + changes);
      for (const old of counts.keys()) if (old <= bucket - BUCKETS) counts.delete(old);
      next.set(id, { incarnation, version, counts });
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
