/** How long to wait before the next try: exponential with full jitter, and never giving up. */

const BASE_MS = 500;
const CAP_MS = 30_000;

/** `attempt` counts from 0; `random` gives numbers in [0, 1). */
export function backoffMs(attempt: number, random: () => number): number {
  return random() * Math.min(CAP_MS, BASE_MS * 2 ** attempt);
}
