/**
 * What the reader made of a document: its order, where they are in it, what they opened.
 *
 * It outlives the islands that show it: they look at a chart of one of its cells, and come back. It follows each change
 * meanwhile, so that it is with the same records then. Of a document that is gone it holds the cursor's record at most.
 */

import type { Json } from "../protocol/json.ts";
import type { Touch } from "../protocol/patch.ts";
import { Cursor } from "./cursor.ts";
import { Opened } from "./opened.ts";
import type { Sort } from "./order.ts";
import { heirsOf, settled, type Place } from "./place.ts";

/** A row of a tree. `part`: as in a node. */
export interface Spot {
  place: Place | null;
  part: number | null;
}

/** `row` is below 0 where nothing is pointed at, or what is looked for leaves it out. */
export interface Pointed extends Spot {
  row: number;
}

/** How far an island is scrolled, and what is its first row in view then; at the top, whatever is first there. */
export interface Scrolled extends Spot {
  topPx: number;
  leftPx: number;
}

const AT_TOP: Scrolled = { topPx: 0, leftPx: 0, place: null, part: null };

export class Kept {
  /** Of the table. */
  sort: Sort | null = null;
  /** By column, what its cells must hold. */
  readonly typed = new Map<string, string>();
  /** By column, px. */
  readonly widths = new Map<string, number>();
  readonly cursor = new Cursor();
  tableAt = AT_TOP;
  readonly opened = new Opened();
  /** In the tree. */
  pointed: Pointed = { place: null, part: null, row: -1 };
  treeAt = AT_TOP;

  /** At once, not with the next frame: who took whose place is told with each change and not kept. */
  changed(touched: readonly Touch[] | null, document: Json | undefined): void {
    this.cursor.changed(touched);
    if (document === undefined) return;
    const heirs = heirsOf(touched ?? []);
    const now = <T extends Spot>(spot: T): T => ({ ...spot, place: spot.place && settled(spot.place, document, heirs) });
    this.opened.settle(document, heirs);
    this.pointed = now(this.pointed);
    this.tableAt = now(this.tableAt);
    this.treeAt = now(this.treeAt);
  }
}
