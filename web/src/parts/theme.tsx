/** System, light or dark. */

import { signal } from "@preact/signals";

const THEMES = ["system", "light", "dark"] as const;
type Theme = (typeof THEMES)[number];

const GLYPHS: Readonly<Record<Theme, string>> = { system: "◐", light: "☀", dark: "☾" };

export const theme = signal<Theme>("system");

export function ThemeSwitch() {
  const label = `Theme: ${theme.value}`;
  return (
    <button type="button" class="quiet icon" aria-label={label} title={label} onClick={next}>
      <span aria-hidden="true">{GLYPHS[theme.value]}</span>
    </button>
  );
}

function next(): void {
  theme.value = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length] as Theme;
  if (theme.value === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = theme.value;
}
