/** Where a key takes the cursor; a key with Ctrl, Meta or Alt is the browser's, but for Ctrl+Home and Ctrl+End. */

export interface Place {
  row: number;
  column: number;
}

export interface Extent {
  rows: number;
  columns: number;
  perPage: number;
  /** -1 where a header row can be reached, else 0. */
  firstRow: number;
}

/** The next place, or null if the key does not move the cursor. */
export function moved(event: Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey">, at: Place, extent: Extent): Place | null {
  if (event.metaKey || event.altKey || (event.ctrlKey && event.key !== "Home" && event.key !== "End")) return null;
  const target = step(event.key, event.ctrlKey, at, extent);
  if (target === null) return null;
  return {
    row: clamp(target.row, extent.firstRow, extent.rows - 1),
    column: clamp(target.column, 0, extent.columns - 1),
  };
}

function step(key: string, isFar: boolean, { row, column }: Place, { rows, columns, perPage }: Extent): Place | null {
  switch (key) {
    case "ArrowUp":
      return { row: row - 1, column };
    case "ArrowDown":
      return { row: row + 1, column };
    case "ArrowLeft":
      return { row, column: column - 1 };
    case "ArrowRight":
      return { row, column: column + 1 };
    case "PageUp":
      return { row: Math.max(0, row - perPage), column };
    case "PageDown":
      return { row: row + perPage, column };
    case "Home":
      return { row: isFar ? 0 : row, column: 0 };
    case "End":
      return { row: isFar ? rows - 1 : row, column: columns - 1 };
    default:
      return null;
  }
}

function clamp(value: number, least: number, most: number): number {
  return Math.max(least, Math.min(value, most));
}
