/** What an island is to the page around it. Islands are plain DOM: a frame of changes costs them no virtual tree. */

import type { Json } from "../protocol/json.ts";
import type { Touch } from "../protocol/patch.ts";
import type { Kept } from "./kept.ts";

/** The value under the cursor. */
export interface Picked {
  path: (string | number)[];
  value: Json | undefined;
}

/** How the reader wants it. */
export interface Look {
  /** Show only what holds these words. */
  query: string;
  /** So many columns do not move sideways; the one with the row's name is not counted. */
  frozen: number;
  /** Show a field above each column to type what its cells must hold. */
  hasFilters: boolean;
}

export interface IslandPorts {
  document(): Json | undefined;
  label: string;
  /** Who makes an island tells this of each change too, also while there is no island. */
  kept: Kept;
  picked(picked: Picked | null): void;
  /** What the reader is to know about what is shown, such as a cut; empty for nothing. */
  noted(note: string): void;
  /** The table has other columns than before. */
  reshaped(added: string[], removed: string[]): void;
  /** The order is held still for whoever is in it, and was true then (ms since the epoch); null: it is true now. */
  aged(atMs: number | null): void;
}

export interface Island {
  changed(touched: readonly Touch[] | null): void;
  look(look: Look): void;
  /** Order and filter anew now. */
  arrangeAgain(): void;
  destroy(): void;
}
