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
      <span>{wordsFor(state)}</span>
      {/* Apart, so that it is said when it changes and not with every second that is counted. */}
      <span class="unseen" role="status">{SAID[state.name]}</span>
      {canTry && (
        <button type="button" class="inline" onClick={() => session.value?.tryNow()}>
          Try now
        </button>
      )}
    </div>
  );
}

const SAID: Readonly<Record<LinkState["name"], string>> = {
  live: "The connection is live", connecting: "", offline: "This machine is offline", signedOut: "Signed out",
  reconnecting: "The connection is lost and tried again",
};

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
