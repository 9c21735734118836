/**
 * Time as the server has it, and a signal that ticks once a second for everything that shows an age.
 *
 * Every moment on the page comes from the server or its workers. Held against the clock of a machine that is ten minutes
 * off, a live source would look stale, a dead one fresh, and a chart of the last five minutes would be empty.
 */

import { signal } from "@preact/signals";
import type { Clock } from "../protocol/clock.ts";
import { Ahead } from "./ahead.ts";

const TICK_MS = 1_000;

const ahead = new Ahead();

export const pageClock: Clock = {
  now: () => Date.now() + ahead.ms,
  after: (delayMs, act) => {
    const timer = setTimeout(act, delayMs);
    return () => clearTimeout(timer);
  },
};

export const nowMs = signal(pageClock.now());

/** An answer of the server said what time it is there. */
export function heardTime(serverMs: number): void {
  if (ahead.heard(serverMs, Date.now())) nowMs.value = pageClock.now();
}

setInterval(() => (nowMs.value = pageClock.now()), TICK_MS);
