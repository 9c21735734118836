/**
 * Signing in with an issuer, in a window of its own.
 *
 * State and verifier never leave this page's memory, so a redirect of the page itself cannot be used. The window comes
 * back to this origin with a code and passes it on by a channel that only this origin hears: the policy that keeps
 * strangers from this page (COOP) also cuts the two windows off from each other.
 */

import { discover, exchange, type Issued } from "../api/issuer.ts";
import { Problem } from "../api/problem.ts";
import { authorizeAddress, challengeOf, secret } from "./pkce.ts";
import { GrantOver, type Grant } from "./renewal.ts";
import { CHANNEL } from "./returned.ts";
import type { SignInConfig } from "./session.ts";

const WINDOW = "popup,width=480,height=680";

/** To be called in a click, or the browser opens no window; `signal` ends the wait. */
export async function issuedGrant(config: SignInConfig, signal: AbortSignal): Promise<Grant> {
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
    return grantOf(await exchange(doors.token, new URLSearchParams(form)), doors.token, config.clientId);
  } catch (error) {
    window.close();
    throw error;
  }
}

const SECOND_MS = 1_000;
const [REFUSED_LEAST, OUR_FAULT_LEAST] = [400, 500];

/** The refresh token lives in this closure and nowhere else; an issuer that gives no new one lets the old one go on. */
function grantOf({ token, expiresInS, refreshToken }: Issued, door: string, clientId: string): Grant {
  const renew = async (): Promise<Grant> => {
    const form = { grant_type: "refresh_token", client_id: clientId, refresh_token: refreshToken ?? "" };
    try {
      const issued = await exchange(door, new URLSearchParams(form));
      return grantOf({ ...issued, refreshToken: issued.refreshToken ?? refreshToken }, door, clientId);
    } catch (error) {
      const isRefused = error instanceof Problem && error.status >= REFUSED_LEAST && error.status < OUR_FAULT_LEAST;
      throw isRefused ? new GrantOver("The issuer does not renew it.", { cause: error }) : error;
    }
  };
  return { token, livesMs: expiresInS === null ? null : expiresInS * SECOND_MS, renew: refreshToken === null ? null : renew };
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
