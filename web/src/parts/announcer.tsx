/** One polite voice for the whole page, and the same words as a note that goes away. */

import { signal } from "@preact/signals";

const SHOWN_MS = 5_000;

const said = signal("");
let timer = 0;

export function say(text: string): void {
  said.value = text;
  clearTimeout(timer);
  timer = window.setTimeout(() => (said.value = ""), SHOWN_MS);
}

export function Announcer() {
  return (
    <div class="toast" role="status" data-shown={said.value === "" ? undefined : ""}>
      {said.value}
    </div>
  );
}
