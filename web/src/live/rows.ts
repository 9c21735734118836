/** A window of rows over any number of them: only what can be seen exists, and what exists is used again. */

const OVERSCAN = 6;

export interface RowsPorts {
  make(): HTMLElement;
  fill(row: HTMLElement, index: number): void;
  /** Before rows are filled: the reader may have scrolled sideways. */
  ready(): void;
}

export class Rows {
  readonly body: HTMLElement;
  private readonly scroller: HTMLElement;
  private readonly ports: RowsPorts;
  private readonly pool: HTMLElement[] = [];
  private readonly observer: ResizeObserver;
  private count = 0;
  private rowPx = 28;

  constructor(scroller: HTMLElement, ports: RowsPorts) {
    this.scroller = scroller;
    this.ports = ports;
    this.body = document.createElement("div");
    this.body.className = "rows";
    this.body.setAttribute("role", "rowgroup");
    scroller.append(this.body);
    scroller.addEventListener("scroll", () => this.paint(), { passive: true });
    this.observer = new ResizeObserver(() => this.paint());
    this.observer.observe(scroller);
  }

  /** Rows that fit on the screen, for paging. */
  get perPage(): number {
    return Math.max(1, Math.floor((this.scroller.clientHeight - this.body.offsetTop) / this.rowPx) - 1);
  }

  get firstInView(): number {
    return Math.min(this.count - 1, Math.ceil(this.scroller.scrollTop / this.rowPx));
  }

  show(count: number): void {
    this.rowPx = parseFloat(getComputedStyle(this.scroller).getPropertyValue("--row")) || this.rowPx;
    this.count = count;
    this.body.style.height = `${count * this.rowPx}px`;
    this.paint();
  }

  paint(): void {
    this.ports.ready();
    const first = Math.max(0, Math.floor(this.scroller.scrollTop / this.rowPx) - OVERSCAN);
    const seen = Math.ceil(this.scroller.clientHeight / this.rowPx) + 2 * OVERSCAN;
    const last = Math.min(this.count, first + seen);
    this.grow(last - first);
    const size = this.pool.length;
    for (const [slot, row] of this.pool.entries()) this.place(row, first + ((((slot - first) % size) + size) % size), last);
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

  private grow(needed: number): void {
    while (this.pool.length < needed) {
      const row = this.ports.make();
      this.pool.push(row);
      this.body.append(row);
    }
  }

  /** A row keeps its element while it is in the window, so a selection in it survives. */
  private place(row: HTMLElement, index: number, last: number): void {
    row.hidden = index >= last;
    if (row.hidden) return;
    const move = `translateY(${index * this.rowPx}px)`;
    if (row.style.transform !== move) row.style.transform = move;
    this.ports.fill(row, index);
  }
}
