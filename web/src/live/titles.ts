/** The first row of a grid: what its columns are called, by which of them it is sorted, and an edge to drag at each. */

import { columnOf, type Columns } from "./columns.ts";
import { HEADER, type Cursor } from "./cursor.ts";
import { make, setAttribute, setText } from "./dom.ts";
import { visible } from "./format.ts";
import { addHandle } from "./handles.ts";
import type { Sort } from "./order.ts";

const RESIZE_STEP_PX = 16;

export class Titles {
  readonly row = make("div", "grid-row grid-head", { role: "row", "aria-rowindex": "1" });
  private readonly name: string;
  private readonly columns: Columns;
  private readonly resized: () => void;

  /** `name` is the grid's, for the ids of its titles. */
  constructor(name: string, columns: Columns, resized: () => void) {
    this.name = name;
    this.columns = columns;
    this.resized = resized;
  }

  idOf(column: number): string {
    return `${this.name}-h-${column}`;
  }

  /** `first` is what the column with the rows' names is called. */
  paint(first: string, sort: Sort | null, cursor: Cursor): void {
    for (const [cell, column] of this.columns.cellsOf(this.row, "columnheader")) {
      const key = this.columns.shown[column - 1]?.key;
      const isSorted = key !== undefined && sort?.key === key;
      setText(cell, key === undefined ? first : visible(key) || "(no name)");
      setAttribute(cell, "aria-sort", isSorted ? (sort.isDown ? "descending" : "ascending") : null);
      setAttribute(cell, "id", this.idOf(column));
      cell.classList.toggle("cursor", cursor.isAt(HEADER, column));
      if (key === undefined) cell.querySelector(".handle")?.remove();
      else if (cell.childElementCount === 0) this.addHandle(cell);
    }
  }

  /** With Shift the arrows make a column wider or narrower; false: the key is not for it. */
  resize(column: number, { key, shiftKey }: KeyboardEvent): boolean {
    if (!shiftKey || (key !== "ArrowLeft" && key !== "ArrowRight")) return false;
    this.widen(column, this.columns.widthOf(column) + (key === "ArrowLeft" ? -RESIZE_STEP_PX : RESIZE_STEP_PX));
    return true;
  }

  private widen(column: number, widthPx: number | null): void {
    this.columns.widen(column, widthPx);
    this.resized();
  }

  private addHandle(cell: HTMLElement): void {
    addHandle(cell, {
      widthOf: (title) => this.columns.widthOf(columnOf(title)),
      chosen: (title, widthPx) => this.widen(columnOf(title), widthPx),
    });
  }
}
