/** By how much the server's clock is ahead of this machine's, as its answers tell. */

/** Answers name whole seconds, and are on their way for a while: less than this is no difference. */
const NOTICED_MS = 3_000;
const HALF_A_SECOND_MS = 500;

export class Ahead {
  ms = 0;

  /** True where it was another one than was thought; `serverMs` is NaN where an answer did not say. */
  heard(serverMs: number, hereMs: number): boolean {
    const ms = serverMs + HALF_A_SECOND_MS - hereMs;
    if (!(Math.abs(ms - this.ms) > NOTICED_MS)) return false;
    this.ms = ms;
    return true;
  }
}
