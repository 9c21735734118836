/** How often a source is polled, in words. */

import type { Source } from "../api/types.ts";

/** A sheet may be read less often than was asked for: Google's quota is for all of them together. */
export function interval(source: Pick<Source, "pollingInterval" | "achievableInterval">): string {
  const { pollingInterval, achievableInterval } = source;
  return (achievableInterval ?? pollingInterval) > pollingInterval
    ? `about ${achievableInterval} s instead of ${pollingInterval} s`
    : every(pollingInterval);
}

const UNITS = [[86_400, "d"], [3_600, "h"], [60, "min"]] as const;

/** In the largest unit that says it exactly. */
function every(seconds: number): string {
  const [inS, unit] = UNITS.find(([inS]) => seconds % inS === 0) ?? [1, "s"];
  return `${seconds / inS} ${unit}`;
}

/** The first letter as a sentence has it. */
export function capital(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

/** The API's words begin small and have no end, to stand after a name. */
export function sentence(text: string): string {
  return /[.!?]$/.test(text) ? capital(text) : `${capital(text)}.`;
}
