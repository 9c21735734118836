/** One deed done to many sources: a few at once, each for itself, and what failed said by name. */

import { Problem } from "../api/problem.ts";
import type { Source } from "../api/types.ts";

const AT_ONCE = 4;

export interface Failure {
  name: string;
  why: string;
}

/** Do it to all; what fails stops nothing. */
export async function each<S extends Pick<Source, "name">>(items: readonly S[], act: (item: S) => Promise<unknown>): Promise<Failure[]> {
  const waiting = [...items];
  const failures: Failure[] = [];
  const work = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) {
      try {
        await act(item);
      } catch (error) {
        failures.push({ name: item.name, why: error instanceof Error ? error.message : String(error) });
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return failures;
}

interface Updates {
  update(id: string, revision: number, patch: { enabled: boolean }): Promise<Source>;
}

/** Pause or resume. Another's edit of other fields is no reason not to: it is done on top of that one, once. */
export async function setEnabled(api: Updates, source: Pick<Source, "id" | "revision">, enabled: boolean): Promise<Source> {
  try {
    return await api.update(source.id, source.revision, { enabled });
  } catch (error) {
    const current = error instanceof Problem && error.status === 412 ? (error.current as Source | undefined) : undefined;
    if (current === undefined) throw error;
    return current.enabled === enabled ? current : api.update(source.id, current.revision, { enabled });
  }
}
