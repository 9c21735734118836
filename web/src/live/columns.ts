/** The columns of a grid on the page: how wide they are, which of them exist now, and the cells that a row has for them. */

import { make, setAttribute } from "./dom.ts";
import { columnAt, layOut, scrollFor, slotOf, template, windowOf, type Window } from "./layout.ts";
import type { Column } from "./table.ts";
import { Widths } from "./widths.ts";

export type CellRole = "gridcell" | "columnheader";

export class Columns {
  /** Those of the table; the first on the page is not one of them: it names the row. */
  shown: readonly Column[] = [];
  private readonly root: HTMLElement;
  private readonly moved: () => void;
  private readonly widths: Widths;
  private layout = layOut([], 1, 0);
  private window: Window = { first: 1, last: 1 };
  /** Counts what makes cells stand for other columns; rows fitted before are fitted again. */
  private fitting = 0;
  private readonly fitted = new WeakMap<HTMLElement, number>();
  private frozen = 1;
  private viewPx = 0;
  /** The longest text of the first column. */
  private name = "";

  /** `chosen`: widths by column; `moved`: cells stand for other columns than before, or are of another width. */
  constructor(root: HTMLElement, chosen: Map<string, number>, moved: () => void) {
    this.root = root;
    this.widths = new Widths(chosen);
    this.moved = moved;
  }

  get count(): number {
    return this.shown.length + 1;
  }

  show(shown: readonly Column[], name: string): void {
    this.shown = shown;
    this.name = name;
    setAttribute(this.root, "aria-colcount", String(this.count));
    this.layOut();
  }

  /** So many columns do not move sideways, besides the first. */
  freeze(count: number): void {
    this.frozen = count + 1;
    this.layOut();
  }

  widthOf(column: number): number {
    return this.layout.widths[column] ?? 0;
  }

  /** Null: as wide as its values need. */
  widen(column: number, widthPx: number | null): void {
    const key = this.shown[column - 1]?.key;
    if (key === undefined) return;
    this.widths.choose(key, widthPx);
    this.layOut();
  }

  /** The reader scrolled or the page became wider; true where other columns are in view now. */
  follow(): boolean {
    if (this.root.clientWidth !== this.viewPx) {
      // How many columns can be frozen is a matter of the width.
      this.layOut();
      return true;
    }
    const { first, last } = windowOf(this.layout, this.root.scrollLeft, this.root.clientWidth);
    if (first === this.window.first && last === this.window.last) return false;
    this.moveWindow();
    return true;
  }

  has(column: number): boolean {
    return slotOf(this.layout, this.window, column) >= 0;
  }

  reveal(column: number): void {
    this.root.scrollLeft = scrollFor(this.layout, column, this.root.scrollLeft, this.root.clientWidth);
  }

  /** The cells of a row with the column that each stands for. */
  *cellsOf(row: HTMLElement, role: CellRole): Generator<[cell: HTMLElement, column: number]> {
    this.fit(row, role);
    let slot = 0;
    for (const cell of row.children) yield [cell as HTMLElement, columnAt(this.layout, this.window, slot++)];
  }

  private layOut(): void {
    this.viewPx = this.root.clientWidth;
    this.layout = layOut(this.widths.of(this.name, this.shown), this.frozen, this.viewPx);
    this.moveWindow();
  }

  private moveWindow(): void {
    this.window = windowOf(this.layout, this.root.scrollLeft, this.root.clientWidth);
    this.fitting += 1;
    this.root.style.setProperty("--columns", template(this.layout, this.window));
    this.moved();
  }

  /** Give a row the cells of the columns in view. */
  private fit(row: HTMLElement, role: CellRole): void {
    if (this.fitted.get(row) === this.fitting) return;
    this.fitted.set(row, this.fitting);
    const { frozen, offsets } = this.layout;
    resize(row, frozen + this.window.last - this.window.first, role);
    for (const [slot, cell] of ([...row.children] as HTMLElement[]).entries()) {
      const column = columnAt(this.layout, this.window, slot);
      setAttribute(cell, "aria-colindex", String(column + 1));
      setAttribute(cell, "data-align", this.shown[column - 1]?.isNumeric ? "end" : null);
      setAttribute(cell, "data-frozen", slot >= frozen ? null : column === 0 ? "name" : "");
      cell.style.insetInlineStart = slot < frozen ? `${offsets[column]}px` : "";
      // Past the track of the columns that are not there.
      cell.style.gridColumnStart = slot === frozen ? String(frozen + 2) : "";
    }
  }
}

export function columnOf(cell: HTMLElement): number {
  return Number(cell.getAttribute("aria-colindex")) - 1;
}

function resize(row: HTMLElement, count: number, role: CellRole): void {
  while (row.childElementCount > count) row.lastElementChild?.remove();
  while (row.childElementCount < count) row.append(make("div", "cell", { role }));
}
