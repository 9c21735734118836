/**
 * How far what is shown can be trusted: two questions, never merged into one answer.
 *
 * Whether this page hears of changes is a matter of its own connection. Whether there is anything to hear is a matter
 * of the source, and of the server's last good poll of it.
 */

import type { SourceStatus } from "../api/types.ts";
import type { LinkState } from "../protocol/link.ts";
import type { Stale } from "./stale.ts";
import { certificateText } from "./standing.ts";

/**
 * The values on the page may be old: `link` because of this page, `source` because of the source, `stale` because nobody
 * asks the source. `certificate` is no doubt yet: it says what will end the polling.
 */
export interface Doubt {
  of: "link" | "source" | "stale" | "certificate";
  text: string;
  /** The last moment at which what is shown was known to be true, ms since the epoch; null is not known. */
  atMs: number | null;
}

export interface Shown {
  link: LinkState["name"];
  isEnabled: boolean;
  status: SourceStatus | null;
  /** Why nobody polls it as often as asked, although its state is good; null where somebody does. */
  stale?: Stale | null;
  /** When the server sent what is shown; 0 before anything. */
  atMs: number;
}

const LINK_TEXTS: Readonly<Partial<Record<LinkState["name"], string>>> = {
  reconnecting: "This page lost its connection and cannot see changes",
  offline: "This machine is offline and cannot see changes",
  connecting: "This page is connecting again",
};

/** Every reason there is to doubt, the page's own first. */
export function doubts({ link, isEnabled, status, stale = null, atMs }: Shown): Doubt[] {
  const found: Doubt[] = [];
  const linkText = LINK_TEXTS[link];
  if (linkText !== undefined && atMs > 0) found.push({ of: "link", text: linkText, atMs });
  if (!isEnabled) found.push({ of: "source", text: "Paused: the source is not polled", atMs: status?.lastGood ?? null });
  else if (status !== null && !["healthy", "new"].includes(status.state)) {
    found.push({ of: "source", text: status.why || `The source is ${status.state}`, atMs: status.lastGood ?? null });
  }
  else if (stale !== null) found.push({ of: "stale", text: `Stale: ${stale.why}`, atMs: stale.sinceMs });
  const ends = status === null || !isEnabled ? "" : certificateText(status);
  if (ends !== "") found.push({ of: "certificate", text: `${ends}: it has to be renewed, or every poll fails`, atMs: null });
  return found;
}

/** Where a document stood when the connection was lost. */
export interface Away {
  incarnation: string;
  version: number;
}

/** What is to be said once the connection is back; a document that is another one than before is a fresh copy. */
export function backText(away: Away, now: Away, isFresh: boolean): string {
  if (isFresh || away.incarnation !== now.incarnation) return "Back: took a fresh copy.";
  const missed = now.version - away.version;
  return missed <= 0 ? "Back." : `Back: caught up by ${missed} ${missed === 1 ? "version" : "versions"}.`;
}
