/** A signal kept fresh by asking again and again while somebody looks. */

import { signal, type Signal } from "@preact/signals";
import type { Problem } from "../api/problem.ts";
import { pageClock } from "./clock.ts";
import { pauseMs } from "./pace.ts";
import { readProblem } from "./session.ts";

export class Polled<T> {
  readonly value: Signal<T | null> = signal(null);
  readonly problem: Signal<Problem | null> = signal(null);
  /** When the value was true: what stays on the page while nothing newer can be had. */
  atMs = 0;
  private readonly ask: () => Promise<T>;
  private readonly leastMs: number;
  private timer = 0;
  private round = 0;

  constructor(ask: () => Promise<T>, leastMs = 0) {
    this.ask = ask;
    this.leastMs = leastMs;
  }

  /** Ask now and then regularly; returns what stops it. */
  start(): () => void {
    const look = () => {
      if (!document.hidden) void this.refresh();
    };
    document.addEventListener("visibilitychange", look);
    void this.refresh();
    return () => {
      this.round += 1;
      clearTimeout(this.timer);
      document.removeEventListener("visibilitychange", look);
    };
  }

  /** Whoever signs in next sees their own answer, or none. */
  forget(): void {
    this.round += 1;
    [this.value.value, this.problem.value, this.atMs] = [null, null, 0];
  }

  async refresh(): Promise<void> {
    const round = ++this.round;
    clearTimeout(this.timer);
    const startMs = performance.now();
    try {
      const value = await this.ask();
      if (round === this.round) [this.value.value, this.problem.value, this.atMs] = [value, null, pageClock.now()];
    } catch (error) {
      if (round === this.round) this.problem.value = readProblem(error);
    }
    if (round === this.round) this.again(Math.max(this.leastMs, pauseMs(performance.now() - startMs)));
  }

  private again(afterMs: number): void {
    this.timer = window.setTimeout(() => {
      if (!document.hidden) void this.refresh();
    }, afterMs);
  }
}
