/** What an OIDC issuer is asked over HTTP: where its doors are, and a token for a code. */

import { Problem, unreachable } from "./problem.ts";

const ANSWER_WITHIN_MS = 20_000;

export interface Doors {
  authorize: string;
  token: string;
}

/** OpenID Connect Discovery 1.0; the document must be of the issuer that was asked (4.3). */
export async function discover(issuer: string): Promise<Doors> {
  const said = await ask(`${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`, {});
  const { issuer: name, authorization_endpoint: authorize, token_endpoint: token } = said;
  if (name !== issuer || typeof authorize !== "string" || typeof token !== "string") {
    throw new Problem(0, "The issuer does not describe itself as it is configured here.");
  }
  return { authorize, token };
}

/** What the issuer gave (RFC 6749 5.1). */
export interface Issued {
  token: string;
  /** Seconds; null where it does not say. */
  expiresInS: number | null;
  refreshToken: string | null;
}

/** A token for a code (RFC 6749 4.1.3; with RFC 7636 the verifier proves that it was asked for here) or for another (6). */
export async function exchange(address: string, form: URLSearchParams): Promise<Issued> {
  const { access_token: token, expires_in: expiresInS, refresh_token: refreshToken } = await ask(address, { method: "POST", body: form });
  if (typeof token !== "string" || token === "") throw new Problem(0, "The issuer gave no token.");
  return {
    token,
    expiresInS: typeof expiresInS === "number" && expiresInS > 0 ? expiresInS : null,
    refreshToken: typeof refreshToken === "string" && refreshToken !== "" ? refreshToken : null,
  };
}

async function ask(address: string, more: RequestInit): Promise<Record<string, unknown>> {
  const request: RequestInit = { ...more, credentials: "omit", cache: "no-store", signal: AbortSignal.timeout(ANSWER_WITHIN_MS) };
  const response = await fetch(address, request).catch((error: unknown) => {
    throw unreachable(error);
  });
  if (!response.ok) throw new Problem(response.status, `The issuer answered ${response.status}.`);
  return (await response.json()) as Record<string, unknown>;
}
