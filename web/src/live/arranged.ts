/** The rows that a grid shows, and their order: narrowed and sorted as the reader wants, and held still while they are in it. */

import type { Container, Json } from "../protocol/json.ts";
import type { Kept } from "./kept.ts";
import { arrange, heldOrder, isPlain, nextSort, type Sort, type Wanted } from "./order.ts";
import { columnsOf, findTable, longest, type Column, type Table } from "./table.ts";

const NOTHING: Table = { path: [], rows: [], names: null, total: 0 };
const RESORT_EVERY_MS = 1_000;

export interface Reshaped {
  added: string[];
  removed: string[];
}

export class Arranged {
  table = NOTHING;
  columns: Column[] = [];
  /** Indexes into the table's rows. */
  order: number[] = [];
  query = "";
  /** When the order was true that is held still, as `now` tells it; null: it is true now. */
  agedAtMs: number | null = null;
  private readonly now: () => number;
  private readonly kept: Pick<Kept, "sort" | "typed">;
  private arrangedAtMs = 0;
  /** Something changed since it was arranged. */
  private isStale = false;

  constructor(now: () => number, kept: Pick<Kept, "sort" | "typed">) {
    this.now = now;
    this.kept = kept;
  }

  get sort(): Sort | null {
    return this.kept.sort;
  }

  /** Values changed; whether rows have to stand elsewhere is seen when they are painted. */
  changed(): void {
    this.isStale = true;
  }

  /** Find the table of a document; tells which columns came or went. The order is another thing: `follow` or `arrange`. */
  read(document: Json | undefined): Reshaped {
    this.table = findTable(document) ?? NOTHING;
    const [before, now] = [this.columns, columnsOf(this.table)];
    const isSame = now.length === before.length && now.every(({ key }, i) => key === before[i]?.key);
    // Widths stay while the columns do, so that a value that grows does not make the table jump.
    this.columns = isSame ? now.map((column, i) => ({ ...column, widest: longest([before[i]?.widest ?? "", column.widest]) })) : now;
    const isNew = before.length === 0 || now.length === 0;
    return isSame || isNew ? { added: [], removed: [] } : { added: missing(now, before), removed: missing(before, now) };
  }

  /**
   * Bring the order up to date, or hold it for who is inside: rows that move away from under a pointer or a cursor are
   * worse than an order that is a little old. `before`: the table that the order is of, or null if it is still the same.
   * True where rows came, went or moved.
   */
  follow(before: Table | null, isInside: boolean): boolean {
    const isArranged = !isPlain(this.wanted);
    if (isArranged && isInside) return this.hold(before);
    const isLate = isArranged && this.isStale && this.now() - this.arrangedAtMs >= RESORT_EVERY_MS;
    if (before === null && !isLate && this.agedAtMs === null) return false;
    this.arrange();
    return true;
  }

  arrange(): void {
    this.arrangedAtMs = this.now();
    this.agedAtMs = null;
    this.isStale = false;
    this.order = arrange(this.table, this.columns, this.wanted);
  }

  sortBy(key: string | undefined): void {
    this.kept.sort = key === undefined ? null : nextSort(this.sort, key);
    this.arrange();
  }

  /** Rows are left out by what somebody typed. */
  get isNarrowed(): boolean {
    return !isPlain({ ...this.wanted, sort: null });
  }

  recordAt(row: number): Container | null {
    return this.table.rows[this.order[row] ?? -1] ?? null;
  }

  private hold(before: Table | null): boolean {
    if (this.isStale) this.agedAtMs ??= this.arrangedAtMs;
    if (before !== null) this.order = heldOrder(before, this.order, this.table, arrange(this.table, this.columns, this.wanted));
    return before !== null;
  }

  /** Of columns that are there: nobody could see, or take back, what narrows by another one. */
  private get wanted(): Wanted {
    const isHere = (key: string) => this.columns.some((column) => column.key === key);
    const filters = new Map([...this.kept.typed].filter(([key]) => isHere(key)));
    return { query: this.query, filters, sort: this.sort !== null && isHere(this.sort.key) ? this.sort : null };
  }
}

/** The columns of the first that the second has not. */
function missing(of: readonly Column[], from: readonly Column[]): string[] {
  const known = new Set(from.map(({ key }) => key));
  return of.map(({ key }) => key).filter((key) => !known.has(key));
}
