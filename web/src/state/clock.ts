/** The page's own time, and a signal that ticks once a second for everything that shows an age. */

import { signal } from "@preact/signals";
import type { Clock } from "../protocol/clock.ts";

const TICK_MS = 1_000;

export const pageClock: Clock = {
  now: () => Date.now(),
  after: (delayMs, act) => {
    const timer = setTimeout(act, delayMs);
    return () => clearTimeout(timer);
  },
};

export const nowMs = signal(Date.now());

setInterval(() => (nowMs.value = Date.now()), TICK_MS);
