/** Asks for a token. It is kept in memory only: closing or reloading the page forgets it. */

import { useEffect, useRef, useState } from "preact/hooks";
import { Mark } from "../parts/mark.tsx";
import { issuedToken } from "../state/issued.ts";
import { signedOutWhy, signIn, type Config, type SignInConfig } from "../state/session.ts";

export function SignIn({ config }: { config: Config }) {
  const [token, setToken] = useState("");
  const submit = (event: Event) => {
    event.preventDefault();
    if (token.trim() !== "") signIn(config, token.trim());
  };
  return (
    <main class="alone">
      <form class="card" onSubmit={submit}>
        <Mark />
        <h1>Sign in</h1>
        {signedOutWhy.value && <p class="trouble" role="alert">{`${signedOutWhy.value} Use one that is still good.`}</p>}
        {config.signIn && <WithIssuer signIn={config.signIn} done={(issued) => signIn(config, issued)} />}
        <div class="field">
          <label for="token">API token</label>
          <input
            id="token"
            type="password"
            autocomplete="off"
            spellcheck={false}
            autofocus={config.signIn === undefined}
            required
            aria-describedby="token-hint"
            value={token}
            onInput={(event) => setToken(event.currentTarget.value)}
          />
          <p class="hint" id="token-hint">Kept in this page's memory only: closing or reloading it forgets the token.</p>
        </div>
        <button type="submit" class="primary">Sign in</button>
      </form>
    </main>
  );
}

function WithIssuer({ signIn: config, done }: { signIn: SignInConfig; done(token: string): void }) {
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
      const token = await issuedToken(config, own.signal);
      if (!own.signal.aborted) done(token);
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
