/** Sources as a file, out of this deployment and into it. */

import type { Imported, Portable } from "../api/types.ts";

/** As many as one request takes. */
const PART_LENGTH = 100;
const FILE_BYTES_MAX = 20_000_000;

export interface ImportApi {
  importSources(items: readonly Portable[], isDryRun: boolean): Promise<Imported>;
}

/** What became of all items, or would. */
export interface Outcome {
  created: number;
  unchanged: number;
  refused: { name: string; why: string }[];
}

/** The sources in a file's text; throws what is wrong with it in words. */
export function readFile(text: string): Portable[] {
  if (text.length > FILE_BYTES_MAX) throw new RangeError("The file is too large.");
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    throw new SyntaxError("The file is not JSON.", { cause: error });
  }
  const items = Array.isArray(document) ? document : (document as { items?: unknown } | null)?.items;
  if (!Array.isArray(items) || items.length === 0) throw new TypeError("The file holds no list of sources in “items”.");
  return items as Portable[];
}

/** Part by part, each judged for itself by the server. Whoever is interrupted repeats it: nothing is made twice. */
export async function importAll(api: ImportApi, items: readonly Portable[], isDryRun: boolean): Promise<Outcome> {
  const outcome: Outcome = { created: 0, unchanged: 0, refused: [] };
  for (let from = 0; from < items.length; from += PART_LENGTH) {
    const part = items.slice(from, from + PART_LENGTH);
    const said = await api.importSources(part, isDryRun);
    outcome.created += said.created;
    outcome.unchanged += said.unchanged;
    for (const { index, outcome: what, errors } of said.items) {
      if (what === "refused") outcome.refused.push({ name: nameOf(part[index], from + index), why: errors.map(({ field, message }) => `${field}: ${message}`).join("; ") });
    }
  }
  return outcome;
}

function nameOf(item: Portable | undefined, index: number): string {
  const said = item?.name ?? item?.id;
  return typeof said === "string" ? said : `number ${index + 1}`;
}
