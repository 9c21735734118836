/**
 * When a replica may ask the server: one request in flight, requests a second apart, later again if none helps.
 */

import { backoffMs } from "./backoff.ts";
import type { Cancel, Clock } from "./clock.ts";

/** `subscribe` and `resume` say what is held (the first on a new connection), `snapshot` asks for everything. */
export type Ask = "subscribe" | "resume" | "snapshot";

const SPACING_MS = 1_000;
const ANSWER_WITHIN_MS = 15_000;

export class Asker {
  private readonly clock: Clock;
  private readonly random: () => number;
  private readonly send: (ask: Ask) => void;
  private inFlight: Ask | null = null;
  private next: Ask | null = null;
  private sentAtMs = Number.NEGATIVE_INFINITY;
  private failures = 0;
  private cancel: Cancel = () => undefined;

  constructor(clock: Clock, random: () => number, send: (ask: Ask) => void) {
    this.clock = clock;
    this.random = random;
    this.send = send;
  }

  /** Ask as soon as it is allowed. A snapshot outranks a resume; what is already on its way is not asked twice. */
  want(ask: Ask): void {
    if (this.inFlight !== null && (this.inFlight === "snapshot" || ask !== "snapshot")) return;
    if (this.next === "snapshot") return;
    const isWaiting = this.inFlight !== null || this.next !== null;
    this.next = ask;
    if (!isWaiting) this.schedule();
  }

  /** The server answered what was asked; anything still wanted for other reasons has to be wanted again. */
  answered(): void {
    this.failures = 0;
    this.reset();
  }

  /** The request came to nothing: it, or what replaces it, is made again, later each time. */
  failed(again: Ask = this.inFlight ?? "resume"): void {
    this.failures += 1;
    this.reset();
    this.next = again;
    this.schedule();
  }

  /** The connection is gone, and with it every answer. */
  cut(): void {
    this.failures = 0;
    this.sentAtMs = Number.NEGATIVE_INFINITY;
    this.reset();
  }

  private reset(): void {
    this.cancel();
    this.inFlight = this.next = null;
  }

  private schedule(): void {
    const pause = this.failures === 0 ? 0 : backoffMs(this.failures, this.random);
    const waitMs = this.sentAtMs + SPACING_MS + pause - this.clock.now();
    if (waitMs <= 0) return this.ask();
    this.cancel = this.clock.after(waitMs, () => this.ask());
  }

  private ask(): void {
    const ask = this.next as Ask;
    this.inFlight = ask;
    this.next = null;
    this.sentAtMs = this.clock.now();
    this.cancel = this.clock.after(ANSWER_WITHIN_MS, () => this.failed(this.next ?? ask));
    this.send(ask);
  }
}
