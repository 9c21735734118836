/** Keys of a page. They are never taken from a field, a dialog, or from the browser (with Ctrl, Meta or Alt). */

import { signal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";

export type Keys = Readonly<Record<string, () => void>>;

/** Single letters can be switched off (WCAG 2.1.4); Space and the arrows stay. */
export const hasLetters = signal(true);

const TYPED_IN = "input, textarea, select, [contenteditable]";
/** Space presses what has the focus, where that can be pressed. */
const PRESSED = "button, a, summary, [role=button]";

export function useKeys(keys: Keys): void {
  const latest = useRef(keys);
  latest.current = keys;
  // Not after the next paint: who sees a screen may already press its keys.
  useLayoutEffect(() => {
    const press = (event: KeyboardEvent) => {
      const act = Object.hasOwn(latest.current, event.key) ? latest.current[event.key] : undefined;
      const at = event.target as HTMLElement;
      if (act === undefined || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
      // In a dialog the focus may be on nothing, where what had it is gone.
      if (at.closest(TYPED_IN) !== null || document.querySelector("dialog[open]") !== null) return;
      if (event.key === " " ? at.closest(PRESSED) !== null : !hasLetters.value) return;
      event.preventDefault();
      act();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, []);
}
