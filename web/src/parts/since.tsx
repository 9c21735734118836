/** An age that keeps counting; the exact moment on hover. */

import { nowMs } from "../state/clock.ts";
import { ago, fullTime } from "../state/since.ts";

export function Since({ atMs, none = "never" }: { atMs: number | null; none?: string }) {
  if (atMs === null || atMs === 0) return <span class="muted">{none}</span>;
  return (
    <time dateTime={new Date(atMs).toISOString()} title={fullTime(atMs)}>
      {ago(atMs, nowMs.value)}
    </time>
  );
}
