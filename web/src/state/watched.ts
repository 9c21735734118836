/** The source that is open: its replica, and signals that say when something of it changed. */

import { signal, type Signal } from "@preact/signals";
import type { Touch } from "../protocol/patch.ts";
import type { Replica } from "../protocol/replica.ts";
import type { Session } from "./session.ts";

/** `touched` is null when the document is another one than before. */
export type Listener = (touched: readonly Touch[] | null) => void;

export class Watched {
  readonly replica: Replica;
  /** Counts what happened; reading it makes a view follow the replica. */
  readonly news: Signal<number> = signal(0);
  private readonly session: Session;
  private readonly listeners = new Set<Listener>();

  constructor(session: Session, sourceId: string) {
    this.session = session;
    this.replica = session.watch(sourceId, (touched) => this.changed(touched));
  }

  listen(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  end(): void {
    this.session.unwatch(this.replica.sourceId);
  }

  private changed(touched: readonly Touch[] | null): void {
    this.news.value += 1;
    for (const listener of this.listeners) listener(touched);
  }
}
