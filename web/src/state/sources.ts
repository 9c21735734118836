/** The list of sources: what is known of each, and which of them are shown. */

import { computed, signal } from "@preact/signals";
import type { Summary } from "../api/types.ts";
import { Polled } from "./polling.ts";
import { session } from "./session.ts";
import { matches, standing, worstFirst, type Standing } from "./standing.ts";

export const sources = new Polled<Summary[]>(async () => (await session.value?.api.sources()) ?? []);

export const search = signal("");
export const only = signal<Standing | "all">("all");

/** Ids of the sources that the next deed is for. */
export const chosen = signal<ReadonlySet<string>>(new Set());

export function choose(ids: readonly string[], isChosen: boolean): void {
  const next = new Set(chosen.value);
  for (const id of ids) if (isChosen) next.add(id);
  else next.delete(id);
  chosen.value = next;
}

/** Those of the chosen that still exist. */
export const chosenSources = computed(() => (sources.value.value ?? []).filter(({ id }) => chosen.value.has(id)));

export const shown = computed(() =>
  (sources.value.value ?? [])
    .filter((source) => only.value === "all" || standing(source) === only.value)
    .filter((source) => matches(source, search.value))
    .sort(worstFirst),
);

export const counts = computed(() => {
  const byStanding = new Map<Standing, number>();
  for (const source of sources.value.value ?? []) {
    byStanding.set(standing(source), (byStanding.get(standing(source)) ?? 0) + 1);
  }
  return byStanding;
});
