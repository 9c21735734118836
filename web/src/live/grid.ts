/**
 * A live table as an ARIA grid.
 *
 * The grid itself holds the focus and names its active cell, so recycled rows can never carry the focus away. The
 * cursor belongs to a record, not to a row number: it stays with its record when rows come, go or are sorted.
 */

import type { Container } from "../protocol/json.ts";
import { paintValue } from "./cell.ts";
import { tsv } from "./copy.ts";
import { make, setAttribute, setText } from "./dom.ts";
import { FilterRow } from "./filter-row.ts";
import { Flash } from "./flash.ts";
import { cellText, visible } from "./format.ts";
import { Frames } from "./frames.ts";
import { addHandle } from "./handles.ts";
import type { Island, IslandPorts, Look } from "./island.ts";
import { moved } from "./keys.ts";
import { columnAt, layOut, scrollFor, slotOf, template, windowOf, type Window } from "./layout.ts";
import { arrange, heldOrder, isPlain, nextSort, type Sort, type Wanted } from "./order.ts";
import { holds, rangeOf, sizeOf, type Corner, type Range } from "./range.ts";
import { Rows } from "./rows.ts";
import { cellOf, columnsOf, COLUMNS_MAX, findTable, longest, ROWS_MAX, type Column, type Table } from "./table.ts";
import { Widths } from "./widths.ts";

const NOTHING: Table = { path: [], rows: [], names: null, total: 0 };
const HEADER = -1;
/** Before the reader points anywhere. */
const NOWHERE = -2;
const RESORT_EVERY_MS = 1_000;
const NAMES_MEASURED_MAX = 200;
const RESIZE_STEP_PX = 16;
/** A copy larger than this would stop the page for longer than anybody waits. */
const COPIED_CELLS_MAX = 200_000;

let grids = 0;

export class Grid implements Island {
  private readonly name = `grid${++grids}`;
  private readonly ports: IslandPorts;
  private readonly root: HTMLElement;
  private readonly head: HTMLElement;
  private readonly filters = new FilterRow(() => this.narrow());
  private readonly rows: Rows;
  private readonly flash = new Flash(() => performance.now());
  private readonly frames: Frames;
  private readonly widths = new Widths();
  private table = NOTHING;
  private columns: Column[] = [];
  private layout = layOut([], 1, 0);
  private window: Window = { first: 1, last: 1 };
  /** Counts what makes cells stand for other columns; rows fitted before are fitted again. */
  private fitting = 0;
  private readonly fitted = new WeakMap<HTMLElement, number>();
  private frozen = 1;
  private order: number[] = [];
  private query = "";
  private sort: Sort | null = null;
  private arrangedAtMs = 0;
  /** Something changed since. */
  private isStale = false;
  private isAged = false;
  private cursor: { record: Container | null; row: number; column: number } = { record: null, row: NOWHERE, column: 0 };
  /** The other corner of what is selected; null: the cursor's cell alone. */
  private anchor: Corner | null = null;

  constructor(host: HTMLElement, ports: IslandPorts) {
    this.ports = ports;
    this.root = make("div", "grid", { role: "grid", "aria-label": ports.label, "aria-multiselectable": "true" });
    this.root.tabIndex = 0;
    this.head = make("div", "grid-row grid-head", { role: "row", "aria-rowindex": "1" });
    this.root.append(this.head, this.filters.row);
    this.rows = new Rows(this.root, { make: makeRow, fill: (row, index) => this.fill(row, index), ready: () => this.follow() });
    this.frames = new Frames(this.flash, { paint: (isStructural) => this.paint(isStructural) });
    this.root.addEventListener("keydown", (event) => this.key(event));
    this.root.addEventListener("mousedown", (event) => event.shiftKey && event.preventDefault());
    this.root.addEventListener("click", (event) => this.click(event));
    this.root.addEventListener("copy", (event) => this.copy(event));
    this.root.addEventListener("focus", () => this.focused());
    for (const leave of ["pointerleave", "focusout"]) this.root.addEventListener(leave, () => this.isAged && this.frames.changed([]));
    host.append(this.root);
    this.paint(true);
  }

  changed(touched: Parameters<Island["changed"]>[0]): void {
    this.isStale ||= touched === null || touched.length > 0;
    this.frames.changed(touched);
  }

  look({ query, frozen, hasFilters }: Look): void {
    const isOther = query !== this.query || hasFilters !== this.filters.isShown;
    this.query = query;
    this.frozen = frozen + 1;
    this.filters.show(hasFilters);
    this.layOut();
    if (isOther) this.narrow();
    else this.rows.paint();
  }

  arrangeAgain(): void {
    this.arrange();
  }

  destroy(): void {
    this.frames.end();
    this.rows.destroy();
    this.root.remove();
  }

  private get wanted(): Wanted {
    return { query: this.query, filters: this.filters.typed, sort: this.sort };
  }

  private narrow(): void {
    this.arrange();
    this.root.scrollTop = 0;
  }

  private paint(isStructural: boolean): void {
    const before = this.table;
    if (isStructural) this.readTable();
    const isArranged = !isPlain(this.wanted);
    // Rows that move away from under a pointer or a cursor are worse than an order that is a little old.
    const isHeld = isArranged && (this.root.matches(":hover") || this.root.contains(document.activeElement));
    const isLate = isArranged && this.isStale && performance.now() - this.arrangedAtMs >= RESORT_EVERY_MS;
    if (isHeld) this.hold(before, isStructural);
    else if (isStructural || isLate || this.isAged) this.arrange();
    else this.rows.paint();
    this.tellPicked();
  }

  private hold(before: Table, isStructural: boolean): void {
    if (isStructural) this.take(heldOrder(before, this.order, this.table, arrange(this.table, this.columns, this.wanted)));
    else this.rows.paint();
    if (this.isStale && !this.isAged) this.ports.aged(Date.now() - (performance.now() - this.arrangedAtMs));
    this.isAged ||= this.isStale;
  }

  private readTable(): void {
    this.table = findTable(this.ports.document()) ?? NOTHING;
    const columns = columnsOf(this.table);
    this.tellReshaped(columns.map(({ key }) => key));
    const isSame = columns.length === this.columns.length && columns.every(({ key }, i) => key === this.columns[i]?.key);
    // Widths stay while the columns do, so that a value that grows does not make the table jump.
    this.columns = isSame ? columns.map((column, i) => ({ ...column, widest: longest([this.columns[i]?.widest ?? "", column.widest]) })) : columns;
    this.layOut();
    this.note();
  }

  private tellReshaped(now: readonly string[]): void {
    const [before, keys] = [new Set(this.columns.map(({ key }) => key)), new Set(now)];
    const [added, removed] = [now.filter((key) => !before.has(key)), [...before].filter((key) => !keys.has(key))];
    if (before.size > 0 && keys.size > 0 && added.length + removed.length > 0) this.ports.reshaped(added, removed);
  }

  private layOut(): void {
    const first = longest([...(this.table.names?.slice(0, NAMES_MEASURED_MAX) ?? []), String(this.table.total)]);
    this.layout = layOut(this.widths.of(first, this.columns), this.frozen, this.root.clientWidth);
    setAttribute(this.root, "aria-colcount", String(this.columns.length + 1));
    this.fitting += 1;
    this.moveWindow();
  }

  /** The reader scrolled or the page became wider: other columns may be in view. */
  private follow(): void {
    const { first, last } = windowOf(this.layout, this.root.scrollLeft, this.root.clientWidth);
    if (first !== this.window.first || last !== this.window.last) this.moveWindow();
  }

  private moveWindow(): void {
    this.window = windowOf(this.layout, this.root.scrollLeft, this.root.clientWidth);
    this.fitting += 1;
    this.root.style.setProperty("--columns", template(this.layout, this.window));
    this.paintHead();
  }

  /** Give a row the cells of the columns in view. */
  private fit(row: HTMLElement, role: "gridcell" | "columnheader"): void {
    if (this.fitted.get(row) === this.fitting) return;
    this.fitted.set(row, this.fitting);
    const { frozen, offsets } = this.layout;
    resize(row, frozen + this.window.last - this.window.first, role);
    for (const [slot, cell] of childrenOf(row).entries()) {
      const column = columnAt(this.layout, this.window, slot);
      setAttribute(cell, "aria-colindex", String(column + 1));
      setAttribute(cell, "data-align", this.columns[column - 1]?.isNumeric ? "end" : null);
      setAttribute(cell, "data-frozen", slot >= frozen ? null : column === 0 ? "name" : "");
      cell.style.insetInlineStart = slot < frozen ? `${offsets[column]}px` : "";
      // Past the track of the columns that are not there.
      cell.style.gridColumnStart = slot === frozen ? String(frozen + 2) : "";
    }
  }

  private paintHead(): void {
    this.fit(this.head, "columnheader");
    for (const [slot, cell] of childrenOf(this.head).entries()) this.paintTitle(cell, columnAt(this.layout, this.window, slot));
    if (!this.filters.isShown) return;
    this.fit(this.filters.row, "gridcell");
    for (const [slot, cell] of childrenOf(this.filters.row).entries()) {
      this.filters.fit(cell, this.columns[columnAt(this.layout, this.window, slot) - 1]?.key ?? null);
    }
  }

  private paintTitle(cell: HTMLElement, i: number): void {
    const column = this.columns[i - 1];
    const isSorted = column !== undefined && this.sort?.key === column.key;
    setText(cell, column === undefined ? (this.table.names === null ? "#" : "name") : visible(column.key) || "(no name)");
    setAttribute(cell, "aria-sort", isSorted ? (this.sort?.isDown ? "descending" : "ascending") : null);
    setAttribute(cell, "id", `${this.name}-h-${i}`);
    cell.classList.toggle("cursor", this.cursor.row === HEADER && this.cursor.column === i);
    if (column === undefined) cell.querySelector(".handle")?.remove();
    else if (cell.childElementCount === 0) {
      addHandle(cell, {
        widthOf: (title) => this.layout.widths[columnOf(title)] ?? 0,
        chosen: (title, widthPx) => this.widen(columnOf(title), widthPx),
      });
    }
  }

  private widen(column: number, widthPx: number | null): void {
    const key = this.columns[column - 1]?.key;
    if (key === undefined) return;
    this.widths.choose(key, widthPx);
    this.layOut();
    this.rows.paint();
  }

  private arrange(): void {
    this.arrangedAtMs = performance.now();
    if (this.isAged) this.ports.aged(null);
    this.isAged = false;
    this.isStale = false;
    this.take(arrange(this.table, this.columns, this.wanted));
  }

  private take(order: number[]): void {
    this.order = order;
    setAttribute(this.root, "aria-rowcount", String(this.order.length + this.headRows));
    this.followRecord();
    this.rows.show(this.order.length);
  }

  private get headRows(): number {
    return this.filters.isShown ? 2 : 1;
  }

  private followRecord(): void {
    const { record, row } = this.cursor;
    if (record === null || row < 0) return;
    const found = this.order.findIndex((index) => this.table.rows[index] === record);
    this.cursor.row = found >= 0 ? found : Math.min(row, this.order.length - 1);
    // A block is what stands between two rows; once they moved, another block would be copied than was chosen.
    if (this.cursor.row !== row) this.anchor = null;
  }

  private fill(row: HTMLElement, index: number): void {
    const at = this.order[index] as number;
    const record = this.table.rows[at] as Container;
    this.fit(row, "gridcell");
    setAttribute(row, "aria-rowindex", String(index + 1 + this.headRows));
    row.dataset["row"] = String(index);
    const range = this.range;
    for (const [slot, cell] of childrenOf(row).entries()) {
      const column = columnAt(this.layout, this.window, slot);
      this.fillCell(cell, record, at, column);
      this.markCursor(cell, index, column, range);
    }
  }

  private fillCell(cell: HTMLElement, record: Container, at: number, i: number): void {
    const column = this.columns[i - 1];
    if (column === undefined) return setText(cell, visible(this.table.names?.[at] ?? String(at + 1)));
    const value = cellOf(record, column.key);
    paintValue(cell, cellText(value, column.decimals), value, this.flash.shown(record, column.key, value));
  }

  private markCursor(cell: HTMLElement, row: number, column: number, range: Range | null): void {
    const isCursor = row === this.cursor.row && column === this.cursor.column;
    cell.classList.toggle("cursor", isCursor);
    setAttribute(cell, "id", isCursor ? `${this.name}-c` : null);
    setAttribute(cell, "aria-selected", range !== null && holds(range, row, column) ? "true" : null);
  }

  private get range(): Range | null {
    return this.anchor && rangeOf(this.anchor, this.cursor, this.columns.length);
  }

  private click(event: MouseEvent): void {
    const cell = (event.target as HTMLElement).closest<HTMLElement>("[role=gridcell],[role=columnheader]");
    const row = cell?.parentElement;
    if (!cell || !row || row === this.filters.row) return;
    const column = columnOf(cell);
    if (row !== this.head) return this.moveTo(Number(row.dataset["row"]), column, event.shiftKey);
    this.sortBy(column);
  }

  /** The block that is selected, a whole row from its own cell, or one cell; selected text is the browser's to copy. */
  private copy(event: ClipboardEvent): void {
    const { record, row, column } = this.cursor;
    if (record === null || getSelection()?.isCollapsed === false || event.target instanceof HTMLInputElement) return;
    const range = this.range ?? rangeOf({ row, column }, { row, column }, this.columns.length);
    event.preventDefault();
    if (sizeOf(range) > COPIED_CELLS_MAX) return this.ports.noted(`Not copied: more than ${COPIED_CELLS_MAX.toLocaleString()} cells.`);
    const keys = this.columns.slice(range.left - 1, range.right).map(({ key }) => key);
    const records = this.order.slice(range.top, range.bottom + 1).map((at) => this.table.rows[at] as Container);
    event.clipboardData?.setData("text/plain", records.map((each) => tsv(keys.map((key) => cellOf(each, key)))).join("\n"));
  }

  /** The keyboard arrives at the first row in view; the pointer chooses its own place. */
  private focused(): void {
    if (this.cursor.row === NOWHERE && this.order.length > 0 && this.root.matches(":focus-visible")) {
      this.moveTo(this.rows.firstInView, 0, false);
    }
  }

  private key(event: KeyboardEvent): void {
    if (event.target !== this.root) return;
    if (this.cursor.row === HEADER && this.headKey(event)) return event.preventDefault();
    const extent = { rows: this.order.length, columns: this.columns.length + 1, perPage: this.rows.perPage, firstRow: HEADER };
    const next = moved(event, { row: Math.max(HEADER, this.cursor.row), column: this.cursor.column }, extent);
    if (next === null) return;
    event.preventDefault();
    this.moveTo(next.row, next.column, event.shiftKey);
  }

  /** On a title Enter sorts, and with Shift the arrows make the column wider or narrower. */
  private headKey({ key, shiftKey }: KeyboardEvent): boolean {
    const { column } = this.cursor;
    if (key === "Enter") this.sortBy(column);
    else if (shiftKey && (key === "ArrowLeft" || key === "ArrowRight")) {
      this.widen(column, (this.layout.widths[column] ?? 0) + (key === "ArrowLeft" ? -RESIZE_STEP_PX : RESIZE_STEP_PX));
    } else return false;
    return true;
  }

  private moveTo(row: number, column: number, isExtending: boolean): void {
    const record = row === HEADER ? null : (this.table.rows[this.order[row] ?? -1] ?? null);
    const { row: fromRow, column: fromColumn } = this.cursor;
    this.anchor = isExtending && row >= 0 && fromRow >= 0 ? (this.anchor ?? { row: fromRow, column: fromColumn }) : null;
    this.cursor = { record, row, column };
    if (row !== HEADER) this.rows.reveal(row);
    this.root.scrollLeft = scrollFor(this.layout, column, this.root.scrollLeft, this.root.clientWidth);
    this.rows.paint();
    this.paintHead();
    const isMade = slotOf(this.layout, this.window, column) >= 0;
    setAttribute(this.root, "aria-activedescendant", !isMade ? null : row === HEADER ? `${this.name}-h-${column}` : `${this.name}-c`);
    this.tellPicked();
  }

  private sortBy(column: number): void {
    const key = this.columns[column - 1]?.key;
    this.sort = key === undefined ? null : nextSort(this.sort, key);
    this.arrange();
    this.paintHead();
  }

  private tellPicked(): void {
    const { record, row, column } = this.cursor;
    const key = this.columns[column - 1]?.key;
    const at = this.order[row];
    if (record === null || at === undefined) return this.ports.picked(null);
    const path = [...this.table.path, this.table.names?.[at] ?? at];
    if (key === undefined) this.ports.picked({ path, value: record });
    else this.ports.picked({ path: [...path, key], value: cellOf(record, key) });
  }

  private note(): void {
    const isLong = this.table.total > ROWS_MAX;
    const isWide = this.columns.length >= COLUMNS_MAX;
    const rows = isLong ? `The first ${ROWS_MAX.toLocaleString()} of ${this.table.total.toLocaleString()} rows. ` : "";
    this.ports.noted(rows + (isWide ? `The first ${COLUMNS_MAX.toLocaleString()} columns.` : ""));
  }
}

function makeRow(): HTMLElement {
  return make("div", "grid-row", { role: "row" });
}

function childrenOf(row: HTMLElement): HTMLElement[] {
  return [...row.children] as HTMLElement[];
}

function columnOf(cell: HTMLElement): number {
  return Number(cell.getAttribute("aria-colindex")) - 1;
}

/** Give a row as many cells as there are columns in view. */
function resize(row: HTMLElement, count: number, role: "gridcell" | "columnheader"): void {
  while (row.childElementCount > count) row.lastElementChild?.remove();
  while (row.childElementCount < count) row.append(make("div", "cell", { role }));
}
