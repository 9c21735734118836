/** Painting one value: its text, its kind, and the mark of a change. */

import { isContainer, type Json } from "../protocol/json.ts";
import { setAttribute, setText } from "./dom.ts";
import type { Shown } from "./flash.ts";

export function paintValue(element: HTMLElement, text: string, value: Json | undefined, mark: Shown | null): void {
  setText(element, text);
  setAttribute(element, "data-kind", kindOf(value));
  setAttribute(element, "data-mark", mark?.direction ?? null);
  setAttribute(element, "data-weak", mark?.isWeak ? "" : null);
}

function kindOf(value: Json | undefined): string {
  if (value === undefined) return "missing";
  if (value === null) return "null";
  if (isContainer(value)) return "nested";
  return typeof value === "bigint" ? "number" : typeof value;
}
