/** How this page's connection does. It says nothing about whether a source is fresh: that is the source's own state. */

import type { LinkState } from "../protocol/link.ts";
import { nowMs } from "../state/clock.ts";
import { linkState, session } from "../state/session.ts";

export function LinkPill() {
  const state = linkState.value;
  const canTry = state.name === "reconnecting" || state.name === "offline";
  return (
    <div class="pill" data-link={state.name}>
      <span class="dot" aria-hidden="true" />
      <span role="status" aria-label={`Connection: ${state.name}`}>
        {wordsFor(state)}
      </span>
      {canTry && (
        <button type="button" class="inline" onClick={() => session.value?.tryNow()}>
          Try now
        </button>
      )}
    </div>
  );
}

function wordsFor(state: LinkState): string {
  switch (state.name) {
    case "live":
      return "Live";
    case "connecting":
      return "Connecting…";
    case "offline":
      return "Offline";
    case "signedOut":
      return "Signed out";
    case "reconnecting": {
      const seconds = Math.ceil((state.retryAtMs - nowMs.value) / 1_000);
      return seconds > 0 ? `Reconnecting in ${seconds} s` : "Reconnecting…";
    }
  }
}
