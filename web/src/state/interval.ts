/** How often a source is polled, in words. */

import type { Source } from "../api/types.ts";

/** A sheet may be read less often than was asked for: Google's quota is for all of them together. */
export function interval(source: Pick<Source, "pollingInterval" | "achievableInterval">): string {
  const { pollingInterval, achievableInterval } = source;
  return (achievableInterval ?? pollingInterval) > pollingInterval
    ? `about ${achievableInterval} s instead of ${pollingInterval} s`
    : `${pollingInterval} s`;
}

/** The API's words begin small, to stand after a name. */
export function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
