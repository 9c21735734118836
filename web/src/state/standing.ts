/** How a source stands, in the few kinds a person tells apart, and the order of the list. */

import type { Source, SourceStatus, State, Summary } from "../api/types.ts";

export type Standing = "failing" | "degraded" | "waiting" | "healthy" | "paused";

/** Worst first: what needs a look is on top. */
export const RANK: Readonly<Record<Standing, number>> = { failing: 0, degraded: 1, waiting: 2, healthy: 3, paused: 4 };

const BY_STATE: Readonly<Record<State, Standing>> = {
  new: "waiting",
  healthy: "healthy",
  degraded: "degraded",
  failing: "failing",
  dormant: "failing",
};

export const WORDS: Readonly<Record<Standing, string>> = {
  failing: "Failing",
  degraded: "Degraded",
  waiting: "First poll due",
  healthy: "Healthy",
  paused: "Paused",
};

export function standing(source: Pick<Source, "enabled" | "status">): Standing {
  return source.enabled ? (BY_STATE[source.status.state] ?? "waiting") : "paused";
}

/** A source that is well again says so for a while, to whoever heard that it was not. */
const RECOVERED_SHOWN_MS = 3_600_000;

/** What there is to say of a source's state; empty where the state alone says it. */
export function remark({ enabled, status }: Pick<Source, "enabled" | "status">, nowMs: number): string {
  if (!enabled) return "";
  if (status.state !== "healthy") return status.why;
  const ends = certificateText(status);
  return ends !== "" ? ends : nowMs - status.since < RECOVERED_SHOWN_MS ? status.why : "";
}

/** The step within which a certificate ends: the API's own words count the days of when the step was reached. */
export function certificateText({ certificateDays: days }: SourceStatus): string {
  if (typeof days !== "number") return "";
  return `Its certificate ends within ${days === 1 ? "a day" : `${days} days`}`;
}

/** What will fail soon stands above what will not. */
function endsFirst({ status: a }: Summary, { status: b }: Summary): number {
  return (a.certificateDays ?? Number.MAX_VALUE) - (b.certificateDays ?? Number.MAX_VALUE);
}

export function worstFirst(a: Summary, b: Summary): number {
  return RANK[standing(a)] - RANK[standing(b)] || endsFirst(a, b) || a.name.localeCompare(b.name) || a.id.localeCompare(b.id);
}

/** Every word of the query is somewhere in the name, address, id or tags. */
export function matches(source: Source, query: string): boolean {
  const text = [source.name, source.url, source.id, ...(source.tags ?? [])].join(" ").toLowerCase();
  return query.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}
