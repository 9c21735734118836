/** A block of cells, from where the reader began to where the cursor is. */

export interface Corner {
  row: number;
  column: number;
}

export interface Range {
  top: number;
  bottom: number;
  left: number;
  right: number;
}

/** The first column names the row: a block that begins or ends there is of whole rows. */
export function rangeOf(anchor: Corner, cursor: Corner, columns: number): Range {
  const isRows = anchor.column === 0 || cursor.column === 0;
  return {
    top: Math.min(anchor.row, cursor.row),
    bottom: Math.max(anchor.row, cursor.row),
    left: isRows ? 1 : Math.min(anchor.column, cursor.column),
    right: isRows ? columns : Math.max(anchor.column, cursor.column),
  };
}

export function holds({ top, bottom, left, right }: Range, row: number, column: number): boolean {
  return row >= top && row <= bottom && column >= left && column <= right;
}

export function sizeOf({ top, bottom, left, right }: Range): number {
  return (bottom - top + 1) * (right - left + 1);
}
