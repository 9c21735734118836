/** The right edge of a column's title, to be dragged. */

import { make } from "./dom.ts";

export interface HandlePorts {
  /** How wide the column of this title is now. */
  widthOf(cell: HTMLElement): number;
  /** Null: as its values need. */
  chosen(cell: HTMLElement, widthPx: number | null): void;
}

export function addHandle(cell: HTMLElement, { widthOf, chosen }: HandlePorts): void {
  const handle = make("span", "handle", { "aria-hidden": "true" });
  handle.addEventListener("click", (event) => event.stopPropagation());
  handle.addEventListener("dblclick", () => chosen(cell, null));
  handle.addEventListener("pointerdown", (event) => {
    const [fromPx, widthPx] = [event.clientX, widthOf(cell)];
    const drag = ({ clientX }: PointerEvent) => chosen(cell, widthPx + clientX - fromPx);
    event.preventDefault();
    handle.setPointerCapture(event.pointerId);
    handle.addEventListener("pointermove", drag);
    handle.addEventListener("lostpointercapture", () => handle.removeEventListener("pointermove", drag), { once: true });
  });
  cell.append(handle);
}
