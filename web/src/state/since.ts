/** Durations and moments in words. */

const STEPS: readonly (readonly [limitS: number, unitS: number, name: string])[] = [
  [60, 1, "s"],
  [3_600, 60, "min"],
  [86_400, 3_600, "h"],
  [Number.POSITIVE_INFINITY, 86_400, "d"],
];

/** `42 s`, `5 min`, `3 h`, `12 d`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  const [, unitS, name] = STEPS.find(([limitS]) => seconds < limitS) as (typeof STEPS)[number];
  return `${Math.floor(seconds / unitS)} ${name}`;
}

export function ago(atMs: number, nowMs: number): string {
  return nowMs - atMs < 1_500 ? "just now" : `${duration(nowMs - atMs)} ago`;
}

export function clockTime(atMs: number): string {
  return new Date(atMs).toLocaleTimeString(undefined, { hour12: false });
}

const [MINUTE_S, DAY_S] = [60, 86_400];

/** A moment below a chart whose marks are so many seconds apart; a day is named where it begins. */
export function axisTime(atMs: number, stepS: number): string {
  const at = new Date(atMs);
  const isMidnight = at.getHours() === 0 && at.getMinutes() === 0;
  if (stepS >= DAY_S || (isMidnight && stepS >= MINUTE_S)) return at.toLocaleDateString(undefined, { day: "numeric", month: "short" });
  return at.toLocaleTimeString(undefined, { hour12: false, hour: "2-digit", minute: "2-digit", ...(stepS < MINUTE_S ? { second: "2-digit" } : {}) });
}

export function fullTime(atMs: number): string {
  return new Date(atMs).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium", hour12: false });
}

const KB = 1_000;

/** `812 B`, `9.3 kB`, `1.2 MB`. */
export function bytes(count: number): string {
  if (count < KB) return `${count} B`;
  return count < KB * KB ? `${(count / KB).toFixed(1)} kB` : `${(count / KB / KB).toFixed(1)} MB`;
}
