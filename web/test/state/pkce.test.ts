import assert from "node:assert/strict";
import { test } from "node:test";
import { authorizeAddress, challengeOf, secret } from "../../src/state/pkce.ts";

test("the challenge is that of RFC 7636, appendix B", async () => {
  assert.equal(await challengeOf("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
});

test("secrets are long, of the alphabet of RFC 7636, and never the same", () => {
  const [one, two] = [secret(), secret()];
  assert.match(one, /^[\w-]{43}$/);
  assert.notEqual(one, two);
});

test("what is asked keeps what the issuer's address had, and an audience that is an address is a resource", () => {
  const asked = { clientId: "c", audience: "https://fleet.example", scope: "openid read", redirect: "https://d.example/", state: "s", challenge: "x" };
  const query = new URL(authorizeAddress("https://issuer.example/authorize?tenant=1", asked)).searchParams;
  assert.deepEqual([query.get("tenant"), query.get("code_challenge_method"), query.get("resource")], ["1", "S256", "https://fleet.example"]);
  assert.equal(new URL(authorizeAddress("https://issuer.example/a", { ...asked, audience: "fleet" })).searchParams.get("resource"), null);
});
