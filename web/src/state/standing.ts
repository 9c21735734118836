/** How a source stands, in the few kinds a person tells apart, and the order of the list. */

import type { Source, State, Summary } from "../api/types.ts";

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

export function worstFirst(a: Summary, b: Summary): number {
  return RANK[standing(a)] - RANK[standing(b)] || a.name.localeCompare(b.name) || a.id.localeCompare(b.id);
}

/** Every word of the query is somewhere in the name, address, id or tags. */
export function matches(source: Source, query: string): boolean {
  const text = [source.name, source.url, source.id, ...(source.tags ?? [])].join(" ").toLowerCase();
  return query.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}
