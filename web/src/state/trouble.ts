/** The sources of one kind that fail, and the worker each is with. */

import type { FleetKind, Summary } from "../api/types.ts";
import { standing } from "./standing.ts";

/** The newest trouble first. */
export function failingOf(kind: string, sources: readonly Summary[]): Summary[] {
  return sources.filter((source) => source.type === kind && standing(source) === "failing").sort((a, b) => b.status.since - a.status.since);
}

export function ownerOf({ shard }: Pick<Summary, "shard">, { owners }: Pick<FleetKind, "owners">): string | undefined {
  return owners[String(shard)];
}
