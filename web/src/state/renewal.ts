/**
 * Keeping a token good: renewed before it ends where its issuer lets it be, and said in time where it does not.
 *
 * Who shows the token asks `renew` too, when the server refuses it: a machine that slept through the moment is late.
 */

import { backoffMs } from "../protocol/backoff.ts";
import type { Cancel, Clock } from "../protocol/clock.ts";

const MINUTE_MS = 60_000;
/** A token is renewed, or its end told, this long before: enough to sign in by hand, and at most a fifth of its life. */
const LEAD_MAX_MS = 5 * MINUTE_MS;
const LEAD_SHARE = 5;
/** Timers of browsers hold no longer; nobody waits for a token of a month. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/** What somebody signed in with. */
export interface Grant {
  token: string;
  /** How long it is good, from now on, ms; null is not known. */
  livesMs: number | null;
  /** Another one in its place; rejects with `GrantOver` where there will be none. Null: only by signing in again. */
  renew: (() => Promise<Grant>) | null;
}

/** The issuer gives no other token for this one. */
export class GrantOver extends Error {}

export interface RenewalPorts {
  clock: Clock;
  random(): number;
  /** There is another token. */
  renewed(): void;
  /** The token will end and cannot be renewed; null: there is one that goes on. */
  ending(endsAtMs: number | null): void;
}

export class Renewal {
  private grant: Grant;
  private readonly ports: RenewalPorts;
  private endsAtMs: number | null = null;
  private attempt = 0;
  private timer: Cancel = () => {};
  private underWay: Promise<boolean> | null = null;
  private round = 0;

  constructor(grant: Grant, ports: RenewalPorts) {
    this.ports = ports;
    this.grant = grant;
    this.take(grant);
  }

  get token(): string {
    return this.grant.token;
  }

  /** Go on with this one: it was renewed, or somebody signed in again. */
  take(grant: Grant): void {
    this.stop();
    this.grant = grant;
    this.attempt = 0;
    this.endsAtMs = grant.livesMs === null ? null : this.ports.clock.now() + grant.livesMs;
    this.ports.ending(null);
    if (grant.livesMs === null || grant.livesMs > TIMER_MAX_MS) return;
    const leadMs = Math.min(LEAD_MAX_MS, grant.livesMs / LEAD_SHARE);
    this.timer = this.ports.clock.after(grant.livesMs - leadMs, () => void this.renew());
  }

  /** Get another token now; one at a time. False where there is none. */
  renew(): Promise<boolean> {
    this.underWay ??= this.tryToRenew(this.round);
    return this.underWay;
  }

  stop(): void {
    this.round += 1;
    this.underWay = null;
    this.timer();
  }

  private async tryToRenew(round: number): Promise<boolean> {
    try {
      if (this.grant.renew === null) throw new GrantOver("Nothing renews it.");
      const grant = await this.grant.renew();
      if (round !== this.round) return false;
      this.take(grant);
      this.ports.renewed();
      return true;
    } catch (error) {
      if (round !== this.round) return false;
      this.underWay = null;
      if (error instanceof GrantOver) this.grant = { ...this.grant, renew: null };
      else this.again();
      return this.over();
    }
  }

  /** The issuer did not answer: it may, before the token ends. */
  private again(): void {
    this.timer();
    this.timer = this.ports.clock.after(backoffMs(this.attempt++, () => this.ports.random()), () => void this.renew());
  }

  private over(): false {
    this.ports.ending(this.endsAtMs);
    return false;
  }
}
