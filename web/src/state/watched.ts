/** The source that is open: its replica, and signals that say when something of it changed. */

import { effect, signal, type Signal } from "@preact/signals";
import type { Json } from "../protocol/json.ts";
import type { Touch } from "../protocol/patch.ts";
import type { Replica } from "../protocol/replica.ts";
import { pageClock } from "./clock.ts";
import { backText, type Away } from "./freshness.ts";
import { linkState, type Session } from "./session.ts";
import { Unheard } from "./unheard.ts";

/** `touched` is null when the document is another one than before. */
export type Listener = (touched: readonly Touch[] | null) => void;

export class Watched {
  readonly replica: Replica;
  /** Counts what happened; reading it makes a view follow the replica. */
  readonly news: Signal<number> = signal(0);
  /** What came of the last loss of the connection; empty when there was none. */
  readonly back: Signal<string> = signal("");
  /** Versions that came while the reader held the page still; null when it is not held. */
  readonly waiting: Signal<number | null> = signal(null);
  /** What was shown last: it stays while a fresh copy is on its way, and what the reader made of it with it. */
  private last: Json | undefined;
  private held: Json | undefined;
  private heldFrom = 0;
  private readonly session: Session;
  private readonly listeners = new Set<Listener>();
  private readonly deaf: () => void;
  private away: Away | null = null;
  private readonly unheard = new Unheard();
  private comparedAtMs = 0;

  constructor(session: Session, sourceId: string) {
    this.session = session;
    this.replica = session.watch(sourceId, (touched) => this.changed(touched));
    this.deaf = effect(() => this.linkBecame(linkState.value.name));
  }

  /** What the reader sees: the document, a copy of it from when they held it still, or the last one until there is another. */
  get shown(): Json | undefined {
    if (this.waiting.value !== null) return this.held;
    return this.isRenewing ? this.last : this.replica.document;
  }

  /** When what is shown was known to be what the server has: ms since the epoch, 0 before anything. */
  get asOfMs(): number {
    return Math.max(this.replica.atMs, this.comparedAtMs);
  }

  /** The document could not be kept, and a fresh copy is on its way. */
  get isRenewing(): boolean {
    return this.replica.phase === "waiting" && this.last !== undefined;
  }

  /** Hold still what is shown, or show what is true again; changes are received all the same. */
  hold(isHeld: boolean): void {
    if (isHeld && this.isRenewing) return;
    this.held = isHeld ? structuredClone(this.replica.document) : undefined;
    this.heldFrom = this.replica.version;
    this.waiting.value = isHeld ? 0 : null;
    this.tell(null);
  }

  /**
   * Where the API had it at that time. Who hears of no change that is there has a connection that died without a word, or a
   * subscription that the server lost: ask whether it lives, and for what is missing.
   */
  compare({ incarnation, version }: Away, atMs: number): void {
    const { replica } = this;
    const isBehind = incarnation !== replica.incarnation || version > replica.version;
    if (!isBehind && replica.document !== undefined) this.comparedAtMs = atMs;
    const canHear = linkState.peek().name === "live" && replica.document !== undefined;
    if (!this.unheard.isLong(canHear && isBehind, pageClock.now())) return;
    this.session.doubt();
    replica.opened();
  }

  listen(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  end(): void {
    this.deaf();
    this.session.unwatch(this.replica.sourceId);
  }

  private linkBecame(name: string): void {
    if (name === "live" || this.away !== null || this.replica.document === undefined) return;
    const { incarnation, version } = this.replica;
    this.away = { incarnation, version };
    this.back.value = "";
  }

  private changed(touched: readonly Touch[] | null): void {
    if (this.away !== null && linkState.peek().name === "live" && this.replica.document !== undefined) {
      this.back.value = backText(this.away, this.replica, touched === null);
      this.away = null;
    }
    this.news.value += 1;
    if (this.replica.document !== undefined) this.last = this.replica.document;
    if (this.isRenewing) return;
    if (this.waiting.value === null) this.tell(touched);
    else this.waiting.value = Math.max(0, this.replica.version - this.heldFrom);
  }

  private tell(touched: readonly Touch[] | null): void {
    for (const listener of this.listeners) listener(touched);
  }
}
