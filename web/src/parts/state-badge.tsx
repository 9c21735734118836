/** How a source does, in a word and a shape as well as a colour. */

import type { Source } from "../api/types.ts";
import { standing, WORDS } from "../state/standing.ts";

export function StateBadge({ source }: { source: Pick<Source, "enabled" | "status"> }) {
  const kind = standing(source);
  return (
    <span class="badge" data-standing={kind}>
      <span class="sign" aria-hidden="true" />
      {WORDS[kind]}
    </span>
  );
}
