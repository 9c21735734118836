/** One repaint per animation frame, however many messages came, and none while nobody can see it. */

import type { Touch } from "../protocol/patch.ts";
import { isContainer } from "../protocol/json.ts";
import type { Flash } from "./flash.ts";

const SETTLE_EVERY_MS = 150;

export interface Painter {
  /** `isStructural`: rows, columns or nodes may have come or gone. */
  paint(isStructural: boolean): void;
}

export class Frames {
  private readonly flash: Flash;
  private readonly painter: Painter;
  private isStructural = false;
  private request = 0;
  private timer = 0;

  constructor(flash: Flash, painter: Painter) {
    this.flash = flash;
    this.painter = painter;
  }

  changed(touched: readonly Touch[] | null): void {
    this.isStructural ||= touched === null || touched.some(isStructural);
    // While hidden no marks: they would be over before anybody looks.
    if (!document.hidden) for (const touch of touched ?? []) this.flash.touch(touch);
    this.request ||= requestAnimationFrame(() => this.run());
  }

  end(): void {
    cancelAnimationFrame(this.request);
    clearTimeout(this.timer);
  }

  private run(): void {
    const structural = this.isStructural;
    this.isStructural = false;
    this.request = 0;
    this.painter.paint(structural);
    this.settle();
  }

  /** Take the marks back as they age. */
  private settle(): void {
    clearTimeout(this.timer);
    if (!this.flash.isActive) return;
    this.timer = window.setTimeout(() => {
      this.flash.sweep();
      this.request ||= requestAnimationFrame(() => this.run());
    }, SETTLE_EVERY_MS);
  }
}

/** A plain value that took another plain value's place moves nothing. */
function isStructural({ before, after }: Touch): boolean {
  return before === undefined || after === undefined || isContainer(before) || isContainer(after);
}
