/** Proof Key for Code Exchange (RFC 7636): what is asked of the issuer, and what only this page can answer. */

const SECRET_BYTES = 32;

export interface Asked {
  clientId: string;
  audience: string;
  scope: string;
  redirect: string;
  state: string;
  challenge: string;
}

export function secret(): string {
  return base64url(crypto.getRandomValues(new Uint8Array(SECRET_BYTES)));
}

export async function challengeOf(verifier: string): Promise<string> {
  return base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier))));
}

export function authorizeAddress(door: string, { clientId, audience, scope, redirect, state, challenge }: Asked): string {
  const address = new URL(door);
  const query = {
    response_type: "code", client_id: clientId, redirect_uri: redirect, scope, state,
    code_challenge: challenge, code_challenge_method: "S256",
    // A resource is an absolute address (RFC 8707); other names of an audience the issuer knows by the client.
    ...(URL.canParse(audience) ? { resource: audience } : {}),
  };
  for (const [name, value] of Object.entries(query)) address.searchParams.set(name, value);
  return address.href;
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}
