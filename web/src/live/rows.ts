/** A window of rows over any number of them: only what can be seen exists, and what exists is used again. */

const OVERSCAN = 6;
/** A row that shows nothing, or nothing that is still true. */
const NONE = -1;

export interface RowsPorts {
  make(): HTMLElement;
  fill(row: HTMLElement, index: number): void;
  /** Before rows are filled: the reader may have scrolled sideways. True where every row has to be filled anew. */
  ready(): boolean;
  filled(): void;
}

export class Rows {
  readonly body: HTMLElement;
  private readonly scroller: HTMLElement;
  private readonly ports: RowsPorts;
  private readonly pool: HTMLElement[] = [];
  /** What each of the pool shows. */
  private readonly shown: number[] = [];
  private readonly observer: ResizeObserver;
  private count = 0;
  private first = 0;
  private last = 0;
  private rowPx = 28;

  constructor(scroller: HTMLElement, ports: RowsPorts) {
    this.scroller = scroller;
    this.ports = ports;
    this.body = document.createElement("div");
    this.body.className = "rows";
    this.body.setAttribute("role", "rowgroup");
    scroller.append(this.body);
    scroller.addEventListener("scroll", () => this.move(), { passive: true });
    this.observer = new ResizeObserver(() => this.move());
    this.observer.observe(scroller);
  }

  /** Rows that fit on the screen, for paging. */
  get perPage(): number {
    return Math.max(1, Math.floor((this.scroller.clientHeight - this.body.offsetTop) / this.rowPx) - 1);
  }

  get firstInView(): number {
    return Math.min(this.count - 1, Math.ceil(this.scroller.scrollTop / this.rowPx));
  }

  /** Whether a row exists: those out of the window do not. */
  has(index: number): boolean {
    return index >= this.first && index < this.last;
  }

  get isAtTop(): boolean {
    return this.scroller.scrollTop === 0;
  }

  /** `shift`: so many more rows are above the first in view, which stays where it is on the screen. */
  show(count: number, shift = 0): void {
    this.rowPx = parseFloat(getComputedStyle(this.scroller).getPropertyValue("--row")) || this.rowPx;
    this.count = count;
    this.body.style.height = `${count * this.rowPx}px`;
    if (shift !== 0) this.scroller.scrollTop += shift * this.rowPx;
    this.paint();
  }

  /** Fill rows anew: only these, or every one. */
  paint(only?: readonly number[]): void {
    for (const [slot, index] of this.shown.entries()) if (only?.includes(index) ?? true) this.shown[slot] = NONE;
    this.move();
  }

  /** Scroll as little as needed to show a row. */
  reveal(index: number): void {
    const [top, bottom] = [index * this.rowPx, (index + 1) * this.rowPx];
    const view = this.scroller.clientHeight - this.body.offsetTop;
    if (top < this.scroller.scrollTop) this.scroller.scrollTop = top;
    else if (bottom > this.scroller.scrollTop + view) this.scroller.scrollTop = bottom - view;
  }

  destroy(): void {
    this.observer.disconnect();
  }

  /** Put the rows where the reader scrolled to; those that show the same as before stay as they are. */
  private move(): void {
    if (this.ports.ready()) this.shown.fill(NONE);
    this.first = Math.max(0, Math.floor(this.scroller.scrollTop / this.rowPx) - OVERSCAN);
    const seen = Math.ceil(this.scroller.clientHeight / this.rowPx) + 2 * OVERSCAN;
    this.last = Math.min(this.count, this.first + seen);
    this.grow(this.last - this.first);
    const size = this.pool.length;
    for (const slot of this.pool.keys()) this.place(slot, this.first + ((((slot - this.first) % size) + size) % size));
    this.ports.filled();
  }

  private grow(needed: number): void {
    while (this.pool.length < needed) {
      const row = this.ports.make();
      this.pool.push(row);
      this.shown.push(NONE);
      this.body.append(row);
    }
  }

  /** A row keeps its element while it is in the window, so a selection in it survives. */
  private place(slot: number, index: number): void {
    const row = this.pool[slot] as HTMLElement;
    row.hidden = index >= this.last;
    if (row.hidden || this.shown[slot] === index) return;
    const move = `translateY(${index * this.rowPx}px)`;
    if (row.style.transform !== move) row.style.transform = move;
    this.ports.fill(row, index);
    this.shown[slot] = index;
  }
}
