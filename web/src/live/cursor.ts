/**
 * Where the reader is in a grid, and the block that they selected.
 *
 * The cursor belongs to a record and a column, not to numbers: it stays with them when rows or columns come, go or are
 * sorted. A record that was replaced as a whole lives on in what replaced it, and in a copy of the whole document at
 * its own place in the table.
 */

import { isContainer, type Container } from "../protocol/json.ts";
import type { Touch } from "../protocol/patch.ts";
import type { Arranged } from "./arranged.ts";
import type { Picked } from "./island.ts";
import { holds, rangeOf, type Corner, type Range } from "./range.ts";
import { cellOf, type Column, type Table } from "./table.ts";

/** The titles. */
export const HEADER = -1;
/** Before the reader pointed anywhere, and while what is looked for leaves the record out. */
export const NOWHERE = -2;

export class Cursor {
  row = NOWHERE;
  /** 0 is the one with the row's name. */
  column = 0;
  /** The column's; null: it is the one with the row's name. */
  private key: string | null = null;
  private record: Container | null = null;
  /** Where the record is in its table: its index, or its name. */
  private at: number | string = NOWHERE;
  /** The table is another one than the record is of. */
  private isElsewhere = false;
  /** The other corner of what is selected; null: the cursor's cell alone. */
  private anchor: Corner | null = null;

  /** Whether it has a record, shown or not. */
  get isSet(): boolean {
    return this.record !== null;
  }

  /** Whether more than its cell is selected. */
  get hasBlock(): boolean {
    return this.anchor !== null;
  }

  moveTo(row: number, column: number, isExtending: boolean, { table, order, columns }: Arranged): void {
    const isBlock = isExtending && row >= 0 && this.row >= 0;
    this.anchor = isBlock ? (this.anchor ?? { row: this.row, column: this.column }) : null;
    this.row = row;
    this.column = column;
    this.key = columns[column - 1]?.key ?? null;
    this.point(table, order[row] ?? NOWHERE);
  }

  isAt(row: number, column: number): boolean {
    return row === this.row && column === this.column;
  }

  isSelected(row: number, column: number, columns: number): boolean {
    return this.anchor !== null && holds(rangeOf(this.anchor, this, columns), row, column);
  }

  /** What is selected: the block, or the cursor's cell, or from a row's own cell the row. */
  range(columns: number): Range | null {
    return this.row < 0 ? null : rangeOf(this.anchor ?? this, this, columns);
  }

  changed(touched: readonly Touch[] | null): void {
    if (touched === null) this.isElsewhere = true;
    for (const { before, after } of touched ?? []) if (isContainer(before) && before === this.record && isContainer(after)) this.record = after;
  }

  /** Rows came, went or moved. */
  follow({ table, order }: Arranged): void {
    if (this.record === null) return;
    const { row } = this;
    let at = table.rows.indexOf(this.record);
    if (at < 0 && this.isElsewhere) at = typeof this.at === "string" ? (table.names ?? []).indexOf(this.at) : this.at;
    // Its record is gone: the cursor belongs to the one that is there now.
    if (table.rows[at] === undefined) at = order[Math.min(row, order.length - 1)] ?? NOWHERE;
    this.point(table, at);
    const now = order.indexOf(at);
    this.row = now < 0 ? NOWHERE : now;
    // A block is what stands between two rows; once they moved, another block would be copied than was chosen.
    if (this.row !== row) this.anchor = null;
  }

  /** There are other columns than before. */
  followColumns(now: readonly Column[]): void {
    const found = now.findIndex(({ key }) => key === this.key) + 1;
    const column = found > 0 || this.key === null ? found : Math.min(this.column, now.length);
    if (column !== this.column) this.anchor = null;
    this.column = column;
    this.key = now[column - 1]?.key ?? null;
  }

  picked({ table, columns }: Arranged): Picked | null {
    if (this.record === null) return null;
    const path = [...table.path, this.at];
    const key = columns[this.column - 1]?.key;
    return key === undefined ? { path, value: this.record } : { path: [...path, key], value: cellOf(this.record, key) };
  }

  private point(table: Table, at: number): void {
    this.record = table.rows[at] ?? null;
    this.at = table.names?.[at] ?? at;
    this.isElsewhere = false;
  }
}
