/** How wide each column is: as wide as its values need, unless the reader chose. */

const LEAST_PX = 64;
const MOST_PX = 320;
const NUMBER_LEAST_PX = 48;
/** The cell's own padding, and room for the sign of a change. */
const PADDING_PX = 40;
const CHOSEN_LEAST_PX = 40;
const CHOSEN_MOST_PX = 1_200;

const pen = document.createElement("canvas").getContext("2d") as CanvasRenderingContext2D;

export class Widths {
  private readonly chosen: Map<string, number>;

  constructor(chosen: Map<string, number>) {
    this.chosen = chosen;
  }

  /** `name` is the longest text of the first column, `widest` of each other. */
  of(name: string, columns: readonly { key: string; widest: string }[]): number[] {
    // Not the shorthand: that is empty where a part of it, such as tabular figures, has no place in it.
    const { fontSize, fontFamily } = getComputedStyle(document.body);
    pen.font = `${fontSize} ${fontFamily}`;
    return [measured(name, NUMBER_LEAST_PX), ...columns.map(({ key, widest }) => this.chosen.get(key) ?? measured(widest, LEAST_PX))];
  }

  /** Null: as the values need. */
  choose(key: string, widthPx: number | null): void {
    if (widthPx === null) this.chosen.delete(key);
    else this.chosen.set(key, Math.round(Math.max(CHOSEN_LEAST_PX, Math.min(CHOSEN_MOST_PX, widthPx))));
  }
}

function measured(text: string, leastPx: number): number {
  return Math.ceil(Math.max(leastPx, Math.min(MOST_PX, pen.measureText(text).width + PADDING_PX)));
}
