/** The way in by the configured issuer: its own code, which most deployments never need. */

import { useEffect, useRef, useState } from "preact/hooks";
import { issuedGrant } from "../state/issued.ts";
import type { Grant } from "../state/renewal.ts";
import type { SignInConfig } from "../state/session.ts";

export function WithIssuer({ signIn: config, done }: { signIn: SignInConfig; done(grant: Grant): void }) {
  const [why, setWhy] = useState("");
  const waiting = useRef(new AbortController());
  const [isWaiting, setWaiting] = useState(false);
  useEffect(() => () => waiting.current.abort(), []);
  const start = async () => {
    waiting.current.abort();
    const own = (waiting.current = new AbortController());
    setWaiting(true);
    setWhy("");
    try {
      const grant = await issuedGrant(config, own.signal);
      if (!own.signal.aborted) done(grant);
    } catch (error) {
      if (!own.signal.aborted) setWhy((error as Error).message);
    }
    if (waiting.current === own) setWaiting(false);
  };
  return (
    <>
      <button type="button" class="primary" autofocus onClick={() => void start()}>Sign in with {URL.parse(config.issuer)?.host ?? config.issuer}</button>
      {isWaiting && <p class="hint" role="status">Waiting for the other window. Press again to open it anew.</p>}
      {why && <p class="error" role="alert">{why}</p>}
      <p class="muted">or</p>
    </>
  );
}
