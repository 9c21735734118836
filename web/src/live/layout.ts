/** Where the columns of a table lie, and which of them exist: the frozen ones, and a window of the rest. */

/** Columns kept beside those in view, so that a small move sideways makes nothing. */
const OVERSCAN = 3;
/** Frozen columns leave at least this share of the width to the others. */
const FROZEN_SHARE_MAX = 0.6;

export interface Layout {
  widths: readonly number[];
  /** The left edge of each column, and of what comes after the last. */
  offsets: readonly number[];
  /** So many first columns do not move sideways; the one with the row's name always is one of them. */
  frozen: number;
}

/** Of the columns that move: from `first` to before `last`. */
export interface Window {
  first: number;
  last: number;
}

export function layOut(widths: readonly number[], frozenWanted: number, viewPx: number): Layout {
  const offsets = [0];
  for (const width of widths) offsets.push((offsets.at(-1) as number) + width);
  let frozen = Math.max(1, Math.min(frozenWanted, widths.length));
  while (frozen > 1 && (offsets[frozen] as number) > viewPx * FROZEN_SHARE_MAX) frozen -= 1;
  return { widths, offsets, frozen };
}

export function windowOf({ widths, offsets, frozen }: Layout, scrollLeft: number, viewPx: number): Window {
  const left = scrollLeft + (offsets[frozen] ?? 0);
  const right = Math.max(left, scrollLeft + viewPx);
  let first = frozen;
  while (first < widths.length && (offsets[first + 1] as number) <= left) first += 1;
  let last = first;
  while (last < widths.length && (offsets[last] as number) < right) last += 1;
  return { first: Math.max(frozen, first - OVERSCAN), last: Math.min(widths.length, last + OVERSCAN) };
}

/** Tracks of a row: the frozen columns, a gap, the window, a gap. */
export function template({ widths, offsets, frozen }: Layout, { first, last }: Window): string {
  const before = (offsets[first] ?? 0) - (offsets[frozen] ?? 0);
  const after = (offsets.at(-1) as number) - (offsets[last] ?? 0);
  return [...widths.slice(0, frozen), before, ...widths.slice(first, last), after].map((px) => `${px}px`).join(" ");
}

/** The column of a row's nth cell. */
export function columnAt({ frozen }: Layout, { first }: Window, slot: number): number {
  return slot < frozen ? slot : slot - frozen + first;
}

/** The cell that shows a column, or -1 where it is out of the window. */
export function slotOf({ frozen }: Layout, { first, last }: Window, column: number): number {
  if (column < frozen) return column;
  return column >= first && column < last ? column - first + frozen : -1;
}

/** Where to scroll, as little as needed, so that a column is seen whole. */
export function scrollFor({ offsets, frozen }: Layout, column: number, scrollLeft: number, viewPx: number): number {
  if (column < frozen) return scrollLeft;
  const [left, right] = [(offsets[column] ?? 0) - (offsets[frozen] ?? 0), offsets[column + 1] ?? 0];
  if (left < scrollLeft) return left;
  return right > scrollLeft + viewPx ? Math.min(left, right - viewPx) : scrollLeft;
}
