/**
 * A live table as an ARIA grid.
 *
 * The grid itself holds the focus and names its active cell, so recycled rows can never carry the focus away. What it
 * shows is `Arranged`, where the reader is in it `Cursor`, and which cells there are for it `Columns`.
 */

import { isContainer, type Container } from "../protocol/json.ts";
import { Arranged } from "./arranged.ts";
import { paintValue } from "./cell.ts";
import { columnOf, Columns } from "./columns.ts";
import { tsv } from "./copy.ts";
import { HEADER, NOWHERE, type Cursor } from "./cursor.ts";
import { make, setAttribute, setText } from "./dom.ts";
import { FilterRow } from "./filter-row.ts";
import { Flash } from "./flash.ts";
import { cellText, visible } from "./format.ts";
import { Frames } from "./frames.ts";
import type { Island, IslandPorts, Look } from "./island.ts";
import type { Scrolled } from "./kept.ts";
import { moved } from "./keys.ts";
import { Marks } from "./marks.ts";
import { placeAt, valueAt } from "./place.ts";
import { sizeOf } from "./range.ts";
import { Rows } from "./rows.ts";
import { cellOf, COLUMNS_MAX, longest, ROWS_MAX } from "./table.ts";
import { Titles } from "./titles.ts";

const NAMES_MEASURED_MAX = 200;
/** A copy larger than this would stop the page for longer than anybody waits. */
const COPIED_CELLS_MAX = 200_000;

let grids = 0;

export class Grid implements Island {
  private readonly name = `grid${++grids}`;
  private readonly ports: IslandPorts;
  private readonly root: HTMLElement;
  private readonly filters: FilterRow;
  private readonly shown: Arranged;
  private readonly cursor: Cursor;
  private readonly columns: Columns;
  private readonly titles: Titles;
  private readonly rows: Rows;
  private readonly flash = new Flash(() => performance.now());
  private readonly marks = new Marks();
  private readonly frames: Frames;

  constructor(host: HTMLElement, ports: IslandPorts, { query, frozen, hasFilters }: Look) {
    this.ports = ports;
    this.cursor = ports.kept.cursor;
    this.root = make("div", "grid", { role: "grid", "aria-label": ports.label, "aria-multiselectable": "true" });
    this.root.tabIndex = 0;
    this.filters = new FilterRow(ports.kept.typed, () => this.narrow());
    this.shown = new Arranged(Date.now, ports.kept);
    this.columns = new Columns(this.root, ports.kept.widths, () => this.paintHead());
    this.titles = new Titles(this.name, this.columns, () => this.rows.paint());
    this.root.append(this.titles.row, this.filters.row);
    const pool = { make: () => make("div", "grid-row", { role: "row" }), fill: (row: HTMLElement, index: number) => this.fill(row, index) };
    this.rows = new Rows(this.root, { ...pool, ready: () => this.columns.follow(), filled: () => this.nameActive() });
    this.frames = new Frames(this.flash, { paint: (isStructural) => this.paint(isStructural) });
    this.listen();
    host.append(this.root);
    this.shown.query = query;
    this.filters.show(hasFilters);
    this.columns.freeze(frozen);
    this.paint(true);
    this.scroll(ports.kept.tableAt);
  }

  changed(touched: Parameters<Island["changed"]>[0]): void {
    if (touched === null || touched.length > 0) this.shown.changed();
    this.frames.changed(touched);
  }

  look({ query, frozen, hasFilters }: Look): void {
    const isOther = query !== this.shown.query || hasFilters !== this.filters.isShown;
    this.shown.query = query;
    this.filters.show(hasFilters);
    this.columns.freeze(frozen);
    if (isOther) this.narrow();
    else this.rows.paint();
  }

  arrangeAgain(): void {
    this.shown.arrange();
    this.rearranged();
  }

  destroy(): void {
    this.ports.kept.tableAt = this.scrolled();
    this.frames.end();
    this.rows.destroy();
    this.root.remove();
  }

  private scrolled(): Scrolled {
    const { table, order } = this.shown;
    const { scrollTop: topPx, scrollLeft: leftPx } = this.root;
    const document = this.ports.document();
    const at = this.rows.isAtTop ? undefined : order[this.rows.firstInView];
    const place = document === undefined || at === undefined ? null : placeAt(document, [...table.path, table.names?.[at] ?? at]);
    return { topPx, leftPx, place, part: null };
  }

  private scroll({ topPx, leftPx, place }: Scrolled): void {
    this.root.scrollTop = topPx;
    this.root.scrollLeft = leftPx;
    const record = place === null ? null : valueAt(place);
    if (topPx > 0) this.rearranged(isContainer(record) ? record : null);
  }

  private listen(): void {
    this.root.addEventListener("keydown", (event) => this.key(event));
    // With Shift it would select text as far as the pointer, and take the focus from nobody.
    this.root.addEventListener("mousedown", (event) => event.shiftKey && (event.preventDefault(), this.root.focus({ preventScroll: true })));
    this.root.addEventListener("click", (event) => this.click(event));
    this.root.addEventListener("copy", (event) => this.copy(event));
    this.root.addEventListener("focus", () => this.focused());
    for (const leave of ["pointerleave", "focusout"]) {
      this.root.addEventListener(leave, () => this.shown.agedAtMs !== null && this.frames.changed([]));
    }
  }

  private narrow(): void {
    this.arrangeAgain();
    this.root.scrollTop = 0;
  }

  private paint(isStructural: boolean): void {
    const before = this.shown.table;
    const isInside = this.root.matches(":hover") || this.root.contains(document.activeElement);
    // At the top what is new is to be seen, and an order that is made anew takes its first rows elsewhere.
    const isKept = isStructural && !this.rows.isAtTop && (this.shown.sort === null || isInside);
    const kept = isKept ? this.shown.recordAt(this.rows.firstInView) : null;
    if (isStructural) this.read();
    this.marks.begin();
    if (this.shown.follow(isStructural ? before : null, isInside)) this.rearranged(kept);
    else this.rows.paint();
    this.root.classList.toggle("restless", this.marks.end());
    this.ports.aged(this.shown.agedAtMs);
    this.tellPicked();
  }

  private read(): void {
    const { added, removed } = this.shown.read(this.ports.document());
    if (added.length + removed.length > 0) this.ports.reshaped(added, removed);
    const { columns, table } = this.shown;
    this.cursor.followColumns(columns);
    this.columns.show(columns, longest([...(table.names?.slice(0, NAMES_MEASURED_MAX) ?? []), String(table.total)]));
  }

  /** Rows stand elsewhere. `kept`: the record that is to stay where it is on the screen, whatever comes or goes above it. */
  private rearranged(kept: Container | null = null): void {
    const { order, table } = this.shown;
    setAttribute(this.root, "aria-rowcount", String(order.length + this.headRows));
    this.cursor.follow(this.shown);
    const from = this.rows.firstInView;
    const to = kept === null ? -1 : order.indexOf(table.rows.indexOf(kept));
    this.rows.show(order.length, to < 0 ? 0 : to - from);
    this.ports.noted(noteOf(this.shown));
    this.ports.aged(this.shown.agedAtMs);
  }

  private get headRows(): number {
    return this.filters.isShown ? 2 : 1;
  }

  private paintHead(): void {
    this.titles.paint(this.shown.table.names === null ? "#" : "name", this.shown.sort, this.cursor);
    if (!this.filters.isShown) return;
    for (const [cell, column] of this.columns.cellsOf(this.filters.row, "gridcell")) {
      this.filters.fit(cell, this.columns.shown[column - 1]?.key ?? null);
    }
  }

  private fill(row: HTMLElement, index: number): void {
    const at = this.shown.order[index] as number;
    const record = this.shown.table.rows[at] as Container;
    setAttribute(row, "aria-rowindex", String(index + 1 + this.headRows));
    row.dataset["row"] = String(index);
    for (const [cell, column] of this.columns.cellsOf(row, "gridcell")) {
      this.fillCell(cell, record, at, column);
      this.markCursor(cell, index, column);
    }
  }

  private fillCell(cell: HTMLElement, record: Container, at: number, i: number): void {
    const column = this.columns.shown[i - 1];
    if (column === undefined) return setText(cell, visible(this.shown.table.names?.[at] ?? String(at + 1)));
    const value = cellOf(record, column.key);
    const mark = this.flash.shown(record, column.key, value);
    this.marks.count(mark !== null);
    paintValue(cell, cellText(value, column.decimals), value, mark);
  }

  private markCursor(cell: HTMLElement, row: number, column: number): void {
    const isCursor = this.cursor.isAt(row, column);
    cell.classList.toggle("cursor", isCursor);
    setAttribute(cell, "id", isCursor ? `${this.name}-c` : null);
    setAttribute(cell, "aria-selected", this.cursor.isSelected(row, column, this.columns.shown.length) ? "true" : null);
  }

  /** A cell that is scrolled out of the window does not exist, and cannot be the active one. */
  private nameActive(): void {
    const { row, column } = this.cursor;
    const isMade = this.columns.has(column) && (row === HEADER || this.rows.has(row));
    setAttribute(this.root, "aria-activedescendant", !isMade ? null : row === HEADER ? this.titles.idOf(column) : `${this.name}-c`);
  }

  private click(event: MouseEvent): void {
    const cell = (event.target as HTMLElement).closest<HTMLElement>("[role=gridcell],[role=columnheader]");
    const row = cell?.parentElement;
    if (!cell || !row || row === this.filters.row) return;
    if (row === this.titles.row) this.sortBy(columnOf(cell));
    else this.moveTo(Number(row.dataset["row"]), columnOf(cell), event.shiftKey);
  }

  /** The block that is selected, a whole row from its own cell, or one cell; selected text is the browser's to copy. */
  private copy(event: ClipboardEvent): void {
    const range = this.cursor.range(this.columns.shown.length);
    if (range === null || getSelection()?.isCollapsed === false || event.target instanceof HTMLInputElement) return;
    event.preventDefault();
    if (sizeOf(range) > COPIED_CELLS_MAX) return this.ports.noted(`Not copied: more than ${COPIED_CELLS_MAX.toLocaleString()} cells.`);
    const keys = this.columns.shown.slice(range.left - 1, range.right).map(({ key }) => key);
    const records = this.shown.order.slice(range.top, range.bottom + 1).map((at) => this.shown.table.rows[at] as Container);
    event.clipboardData?.setData("text/plain", records.map((each) => tsv(keys.map((key) => cellOf(each, key)))).join("\n"));
  }

  /** The keyboard arrives at the first row in view; the pointer chooses its own place. */
  private focused(): void {
    const isNew = this.cursor.row === NOWHERE && !this.cursor.isSet && this.shown.order.length > 0;
    if (isNew && this.root.matches(":focus-visible")) this.moveTo(this.rows.firstInView, 0, false);
  }

  private key(event: KeyboardEvent): void {
    if (event.target !== this.root) return;
    if (this.cursor.row === HEADER && this.headKey(event)) return event.preventDefault();
    const { row, column } = this.cursor;
    const extent = { rows: this.shown.order.length, columns: this.columns.count, perPage: this.rows.perPage, firstRow: HEADER };
    const next = moved(event, { row: Math.max(HEADER, row), column }, extent);
    if (next === null) return;
    event.preventDefault();
    this.moveTo(row === NOWHERE ? this.rows.firstInView : next.row, next.column, event.shiftKey);
  }

  /** On a title Enter sorts. */
  private headKey(event: KeyboardEvent): boolean {
    const { column } = this.cursor;
    if (event.key !== "Enter") return this.titles.resize(column, event);
    this.sortBy(column);
    return true;
  }

  private moveTo(row: number, column: number, isExtending: boolean): void {
    const { row: before, hasBlock } = this.cursor;
    this.cursor.moveTo(row, column, isExtending, this.shown);
    if (row !== HEADER) this.rows.reveal(row);
    this.columns.reveal(column);
    this.rows.paint(hasBlock || this.cursor.hasBlock ? undefined : [before, row]);
    this.paintHead();
    this.tellPicked();
  }

  private sortBy(column: number): void {
    this.shown.sortBy(this.columns.shown[column - 1]?.key);
    this.rearranged();
    this.paintHead();
  }

  private tellPicked(): void {
    this.ports.picked(this.cursor.picked(this.shown));
  }
}

function noteOf({ table: { total }, columns, order, isNarrowed }: Arranged): string {
  const notes = [
    total > ROWS_MAX ? `The first ${ROWS_MAX.toLocaleString()} of ${total.toLocaleString()} rows.` : "",
    columns.length >= COLUMNS_MAX ? `The first ${COLUMNS_MAX.toLocaleString()} columns.` : "",
    isNarrowed && order.length === 0 ? "No row matches." : "",
  ];
  return notes.filter(Boolean).join(" ");
}
