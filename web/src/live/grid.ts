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
import { Flash } from "./flash.ts";
import { cellText, visible } from "./format.ts";
import { Frames } from "./frames.ts";
import type { Island, IslandPorts } from "./island.ts";
import { moved } from "./keys.ts";
import { arrange, nextSort, type Sort } from "./order.ts";
import { Rows } from "./rows.ts";
import { cellOf, columnsOf, COLUMNS_MAX, findTable, longest, ROWS_MAX, type Column, type Table } from "./table.ts";

const NOTHING: Table = { path: [], rows: [], names: null, total: 0 };
const HEADER = -1;
/** Before the reader points anywhere. */
const NOWHERE = -2;
const RESORT_EVERY_MS = 1_000;
const WIDTH_MIN_PX = 64;
const WIDTH_MAX_PX = 320;
const NUMBER_WIDTH_MIN_PX = 48;
/** The cell's own padding, and room for the sign of a change. */
const PADDING_PX = 40;
const NAMES_MEASURED_MAX = 200;

let grids = 0;

export class Grid implements Island {
  private readonly name = `grid${++grids}`;
  private readonly ports: IslandPorts;
  private readonly root: HTMLElement;
  private readonly head: HTMLElement;
  private readonly rows: Rows;
  private readonly flash = new Flash(() => performance.now());
  private readonly frames: Frames;
  private table = NOTHING;
  private columns: Column[] = [];
  private order: number[] = [];
  private sort: Sort | null = null;
  private query = "";
  private arrangedAtMs = 0;
  private cursor: { record: Container | null; row: number; column: number } = { record: null, row: NOWHERE, column: 0 };

  constructor(host: HTMLElement, ports: IslandPorts) {
    this.ports = ports;
    this.root = make("div", "grid", { role: "grid", "aria-label": ports.label });
    this.root.tabIndex = 0;
    this.head = make("div", "grid-row grid-head", { role: "row", "aria-rowindex": "1" });
    this.root.append(this.head);
    this.rows = new Rows(this.root, { make: makeRow, fill: (row, index) => this.fill(row, index) });
    this.frames = new Frames(this.flash, { paint: (isStructural) => this.paint(isStructural) });
    this.root.addEventListener("keydown", (event) => this.key(event));
    this.root.addEventListener("click", (event) => this.click(event));
    this.root.addEventListener("copy", (event) => this.copy(event));
    this.root.addEventListener("focus", () => this.focused());
    host.append(this.root);
    this.paint(true);
  }

  changed(touched: Parameters<Island["changed"]>[0]): void {
    this.frames.changed(touched);
  }

  filter(query: string): void {
    this.query = query;
    this.arrange();
    this.root.scrollTop = 0;
  }

  destroy(): void {
    this.frames.end();
    this.rows.destroy();
    this.root.remove();
  }

  private paint(isStructural: boolean): void {
    const isLate = this.sort !== null && performance.now() - this.arrangedAtMs >= RESORT_EVERY_MS;
    if (isStructural) this.readTable();
    if (isStructural || isLate) this.arrange();
    else this.rows.paint();
    this.tellPicked();
  }

  private readTable(): void {
    this.table = findTable(this.ports.document()) ?? NOTHING;
    const columns = columnsOf(this.table);
    const isSame = columns.length === this.columns.length && columns.every(({ key }, i) => key === this.columns[i]?.key);
    // Widths stay while the columns do, so that a value that grows does not make the table jump.
    this.columns = isSame ? columns.map((column, i) => ({ ...column, widest: longest([this.columns[i]?.widest ?? "", column.widest]) })) : columns;
    this.layOut();
    this.note();
  }

  private layOut(): void {
    const first = longest([...(this.table.names?.slice(0, NAMES_MEASURED_MAX) ?? []), String(this.table.total)]);
    const widths = [widthPx(first, NUMBER_WIDTH_MIN_PX), ...this.columns.map(({ widest }) => widthPx(widest, WIDTH_MIN_PX))];
    this.root.style.setProperty("--columns", `${widths.join("px ")}px`);
    setAttribute(this.root, "aria-colcount", String(this.columns.length + 1));
    this.paintHead();
  }

  private paintHead(): void {
    const titles = ["", ...this.columns.map(({ key }) => key)];
    resize(this.head, titles.length, "columnheader");
    for (const [i, cell] of childrenOf(this.head).entries()) {
      const column = this.columns[i - 1];
      const isSorted = column !== undefined && this.sort?.key === column.key;
      setText(cell, i === 0 ? (this.table.names === null ? "#" : "name") : visible(titles[i] as string));
      setAttribute(cell, "data-align", column?.isNumeric ? "end" : null);
      setAttribute(cell, "aria-sort", isSorted ? (this.sort?.isDown ? "descending" : "ascending") : null);
      setAttribute(cell, "id", `${this.name}-h-${i}`);
      cell.classList.toggle("cursor", this.cursor.row === HEADER && this.cursor.column === i);
    }
  }

  private arrange(): void {
    this.order = arrange(this.table, this.columns, this.query, this.sort);
    this.arrangedAtMs = performance.now();
    setAttribute(this.root, "aria-rowcount", String(this.order.length + 1));
    this.followRecord();
    this.rows.show(this.order.length);
  }

  private followRecord(): void {
    const { record, row } = this.cursor;
    if (record === null || row < 0) return;
    const found = this.order.findIndex((index) => this.table.rows[index] === record);
    this.cursor.row = found >= 0 ? found : Math.min(row, this.order.length - 1);
  }

  private fill(row: HTMLElement, index: number): void {
    const at = this.order[index] as number;
    const record = this.table.rows[at] as Container;
    resize(row, this.columns.length + 1, "gridcell");
    setAttribute(row, "aria-rowindex", String(index + 2));
    row.dataset["row"] = String(index);
    row.classList.toggle("odd", index % 2 === 1);
    for (const [i, cell] of childrenOf(row).entries()) this.fillCell(cell, record, at, i);
    this.markCursor(row, index);
  }

  private fillCell(cell: HTMLElement, record: Container, at: number, i: number): void {
    const column = this.columns[i - 1];
    if (column === undefined) return setText(cell, visible(this.table.names?.[at] ?? String(at + 1)));
    const value = cellOf(record, column.key);
    setAttribute(cell, "data-align", column.isNumeric ? "end" : null);
    paintValue(cell, cellText(value, column.decimals), value, this.flash.shown(record, column.key, value));
  }

  private markCursor(row: HTMLElement, index: number): void {
    for (const [i, cell] of childrenOf(row).entries()) {
      const isCursor = index === this.cursor.row && i === this.cursor.column;
      cell.classList.toggle("cursor", isCursor);
      setAttribute(cell, "id", isCursor ? `${this.name}-c` : null);
    }
  }

  private click(event: MouseEvent): void {
    const cell = (event.target as HTMLElement).closest<HTMLElement>("[role=gridcell],[role=columnheader]");
    const row = cell?.parentElement;
    if (!cell || !row) return;
    const column = childrenOf(row).indexOf(cell);
    if (row !== this.head) return this.moveTo(Number(row.dataset["row"]), column);
    this.sortBy(column);
  }

  /** The cell under the cursor, or its whole row from the row's own cell; selected text is the browser's to copy. */
  private copy(event: ClipboardEvent): void {
    const { record, column } = this.cursor;
    if (record === null || getSelection()?.isCollapsed === false) return;
    const keys = column === 0 ? this.columns.map(({ key }) => key) : [this.columns[column - 1]?.key ?? ""];
    event.clipboardData?.setData("text/plain", tsv(keys.map((key) => cellOf(record, key))));
    event.preventDefault();
  }

  /** The keyboard arrives at the first row in view; the pointer chooses its own place. */
  private focused(): void {
    if (this.cursor.row === NOWHERE && this.order.length > 0 && this.root.matches(":focus-visible")) {
      this.moveTo(this.rows.firstInView, 0);
    }
  }

  private key(event: KeyboardEvent): void {
    if (event.key === "Enter" && this.cursor.row === HEADER) return this.sortBy(this.cursor.column);
    const extent = { rows: this.order.length, columns: this.columns.length + 1, perPage: this.rows.perPage, firstRow: HEADER };
    const next = moved(event, { row: Math.max(HEADER, this.cursor.row), column: this.cursor.column }, extent);
    if (next === null) return;
    event.preventDefault();
    this.moveTo(next.row, next.column);
  }

  private moveTo(row: number, column: number): void {
    const record = row === HEADER ? null : (this.table.rows[this.order[row] ?? -1] ?? null);
    this.cursor = { record, row, column };
    if (row !== HEADER) this.rows.reveal(row);
    this.paintHead();
    this.rows.paint();
    this.revealColumn();
    setAttribute(this.root, "aria-activedescendant", row === HEADER ? `${this.name}-h-${column}` : `${this.name}-c`);
    this.tellPicked();
  }

  private revealColumn(): void {
    const cell = childrenOf(this.head)[this.cursor.column];
    const frozen = childrenOf(this.head)[0];
    if (cell === undefined || frozen === undefined || cell === frozen) return;
    const [left, right] = [cell.offsetLeft - frozen.offsetWidth, cell.offsetLeft + cell.offsetWidth];
    if (left < this.root.scrollLeft) this.root.scrollLeft = left;
    else if (right > this.root.scrollLeft + this.root.clientWidth) this.root.scrollLeft = right - this.root.clientWidth;
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
    this.ports.noted(rows + (isWide ? `The first ${COLUMNS_MAX} columns.` : ""));
  }
}

function makeRow(): HTMLElement {
  return make("div", "grid-row", { role: "row" });
}

const pen = document.createElement("canvas").getContext("2d") as CanvasRenderingContext2D;

function widthPx(text: string, leastPx: number): number {
  // Not the shorthand: that is empty where a part of it, such as tabular figures, has no place in it.
  const { fontSize, fontFamily } = getComputedStyle(document.body);
  pen.font = `${fontSize} ${fontFamily}`;
  return Math.ceil(Math.max(leastPx, Math.min(WIDTH_MAX_PX, pen.measureText(text).width + PADDING_PX)));
}

function childrenOf(row: HTMLElement): HTMLElement[] {
  return [...row.children] as HTMLElement[];
}

/** Give a row as many cells as there are columns. */
function resize(row: HTMLElement, count: number, role: "gridcell" | "columnheader"): void {
  while (row.childElementCount > count) row.lastElementChild?.remove();
  while (row.childElementCount < count) {
    const attributes = { role, "aria-colindex": String(row.childElementCount + 1) };
    row.append(make("div", "cell", attributes));
  }
}
