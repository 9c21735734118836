/** What a place says when there is nothing to show, or something went wrong. */

import type { ComponentChildren } from "preact";
import { sentence } from "../state/interval.ts";
import { clockTime } from "../state/since.ts";

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children}
    </div>
  );
}

/** `asOfMs`: when what stays on the page was true; 0 where nothing does. */
export function Trouble({ title, why, asOfMs = 0, retry }: { title: string; why: string; asOfMs?: number; retry(): void }) {
  return (
    <div class="trouble" role="alert">
      <p><strong>{title}</strong> {sentence(why)}{asOfMs > 0 && ` What is shown is as of ${clockTime(asOfMs)}.`}</p>
      <button type="button" onClick={retry}>Try again</button>
    </div>
  );
}
