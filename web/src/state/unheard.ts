/** How long this page may not have heard of a version that the API has. */

/** A change is here within a second, or within some where thousands look: so long, and nobody told this page. */
const UNHEARD_MAX_MS = 10_000;

export class Unheard {
  private fromMs: number | null = null;

  /** Whether it is time to doubt the connection: once in that long, for as long as the page is behind. */
  isLong(isBehind: boolean, nowMs: number): boolean {
    if (!isBehind) this.fromMs = null;
    else this.fromMs ??= nowMs;
    if (this.fromMs === null || nowMs - this.fromMs < UNHEARD_MAX_MS) return false;
    this.fromMs = nowMs;
    return true;
  }
}
