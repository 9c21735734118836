/** How often a page asks again for what is not pushed. */

const EVERY_MS = 3_000;
/** A slow answer means a long list or a busy server: asking then takes at most a tenth of the time. */
const SHARE_MAX = 10;
/** A single slow answer, as the first of a sleeping Lambda, must not blind who watches. */
const PAUSE_MAX_MS = 10_000;

/** The pause after an answer that took so long. */
export function pauseMs(tookMs: number): number {
  return Math.min(PAUSE_MAX_MS, Math.max(EVERY_MS, tookMs * SHARE_MAX));
}
