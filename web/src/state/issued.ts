/**
 * Signing in with an issuer, in a window of its own.
 *
 * State and verifier never leave this page's memory, so a redirect of the page itself cannot be used. The window comes
 * back to this origin with a code and passes it on by a channel that only this origin hears: the policy that keeps
 * strangers from this page (COOP) also cuts the two windows off from each other.
 */

import { discover, exchange } from "../api/issuer.ts";
import { Problem } from "../api/problem.ts";
import { authorizeAddress, challengeOf, secret } from "./pkce.ts";
import type { SignInConfig } from "./session.ts";

const CHANNEL = "signed-in";
const WINDOW = "popup,width=480,height=680";

/** In the window that came back: pass on what the issuer said. False where this page is no such window. */
export function passOn(): boolean {
  const said = Object.fromEntries(new URLSearchParams(location.search));
  if (said["state"] === undefined || (said["code"] ?? said["error"]) === undefined) return false;
  history.replaceState(null, "", location.pathname);
  new BroadcastChannel(CHANNEL).postMessage(said);
  close();
  return true;
}

/** To be called in a click, or the browser opens no window; `signal` ends the wait. */
export async function issuedToken(config: SignInConfig, signal: AbortSignal): Promise<string> {
  const window = open("about:blank", "_blank", WINDOW);
  if (window === null) throw new Problem(0, "The browser did not open the issuer's window.");
  const [state, verifier, redirect] = [secret(), secret(), location.origin + location.pathname];
  try {
    const doors = await discover(config.issuer);
    const address = authorizeAddress(doors.authorize, { ...config, redirect, state, challenge: await challengeOf(verifier) });
    const answer = heard(state, config.issuer, signal);
    window.location.href = address;
    const code = await answer;
    const form = { grant_type: "authorization_code", client_id: config.clientId, redirect_uri: redirect, code, code_verifier: verifier };
    return await exchange(doors.token, new URLSearchParams(form));
  } catch (error) {
    window.close();
    throw error;
  }
}

/** The code that answers what was asked here; what answers something else is not heard. */
function heard(state: string, issuer: string, signal: AbortSignal): Promise<string> {
  const channel = new BroadcastChannel(CHANNEL);
  return new Promise<string>((resolve, reject) => {
    signal.addEventListener("abort", () => reject(new Problem(0, "Nobody signed in.")));
    channel.onmessage = ({ data }: MessageEvent<Record<string, string>>) => {
      if (data["state"] !== state) return;
      // RFC 9207: an answer that another issuer gave is none.
      if ((data["iss"] ?? issuer) !== issuer || !data["code"]) reject(new Problem(0, `The issuer refused: ${data["error_description"] ?? data["error"] ?? "no code"}.`));
      else resolve(data["code"]);
    };
  }).finally(() => channel.close());
}
