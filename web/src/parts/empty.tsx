/** What a place says when there is nothing to show, or something went wrong. */

import type { ComponentChildren } from "preact";

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children}
    </div>
  );
}

export function Trouble({ title, why, retry }: { title: string; why: string; retry(): void }) {
  return (
    <div class="trouble" role="alert">
      <p><strong>{title}</strong> {why}</p>
      <button type="button" onClick={retry}>Try again</button>
    </div>
  );
}
