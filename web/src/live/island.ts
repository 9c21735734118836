/** What an island is to the page around it. Islands are plain DOM: a frame of changes costs them no virtual tree. */

import type { Json } from "../protocol/json.ts";
import type { Touch } from "../protocol/patch.ts";

/** The value under the cursor. */
export interface Picked {
  path: (string | number)[];
  value: Json | undefined;
}

export interface IslandPorts {
  document(): Json | undefined;
  label: string;
  picked(picked: Picked | null): void;
  /** What the reader is to know about what is shown, such as a cut; empty for nothing. */
  noted(note: string): void;
}

export interface Island {
  changed(touched: readonly Touch[] | null): void;
  /** Show only what holds these words. */
  filter(query: string): void;
  destroy(): void;
}
