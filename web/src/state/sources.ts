/** The list of sources: what is known of each, and which of them are shown. */

import { computed, signal } from "@preact/signals";
import type { Summary } from "../api/types.ts";
import { Activity } from "./activity.ts";
import { pageClock } from "./clock.ts";
import { owners } from "./fleet.ts";
import { Polled } from "./polling.ts";
import { onSignOut, session } from "./session.ts";
import { staleOf, type Stale } from "./stale.ts";
import { matches, standing, worstFirst, type Standing } from "./standing.ts";

export const activity = new Activity();
/** There are more than the page can show. */
export const isCut = signal(false);

export const sources = new Polled<Summary[]>(async () => {
  const answer = (await session.value?.api.sources()) ?? { items: [], isCut: false };
  activity.note(answer.items, pageClock.now());
  isCut.value = answer.isCut;
  return answer.items;
});

export const search = signal("");
export const only = signal<Standing | "stale" | "all">("all");
export const isGrouped = signal(false);

/** Ids of the sources that the next deed is for. */
export const chosen = signal<ReadonlySet<string>>(new Set());

onSignOut(() => {
  sources.forget();
  [search.value, only.value, chosen.value] = ["", "all", new Set()];
});

export function choose(ids: readonly string[], isChosen: boolean): void {
  const next = new Set(chosen.value);
  for (const id of ids) if (isChosen) next.add(id);
  else next.delete(id);
  chosen.value = next;
}

/** By id, why a source is stale and since when; those that are not are not in it. */
export const stale = computed(() => {
  const found = new Map<string, Stale>();
  for (const source of sources.value.value ?? []) {
    const one = staleOf(source, owners.value.value, pageClock.now());
    if (one !== null) found.set(source.id, one);
  }
  return found;
});

export const shown = computed(() =>
  (sources.value.value ?? [])
    .filter((source) => only.value === "all" || (only.value === "stale" ? stale.value.has(source.id) : standing(source) === only.value))
    .filter((source) => matches(source, search.value))
    .sort(worstFirst),
);

/** Those of the chosen that are shown: what a filter hides is never part of a deed that nobody sees. */
export const chosenSources = computed(() => shown.value.filter(({ id }) => chosen.value.has(id)));

export const counts = computed(() => {
  const byStanding = new Map<Standing, number>();
  for (const source of sources.value.value ?? []) {
    byStanding.set(standing(source), (byStanding.get(standing(source)) ?? 0) + 1);
  }
  return byStanding;
});

/** Under each of its tags, so a source may be there more than once; those without one come last, under "". */
export const groups = computed(() => {
  const byTag = new Map<string, Summary[]>();
  for (const source of shown.value) {
    for (const tag of source.tags?.length ? source.tags : [""]) byTag.set(tag, [...(byTag.get(tag) ?? []), source]);
  }
  return [...byTag].sort(([a], [b]) => Number(a === "") - Number(b === "") || a.localeCompare(b));
});
