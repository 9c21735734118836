/** Asks for a token. It is kept in memory only: closing or reloading the page forgets it. */

import { useState } from "preact/hooks";
import { Mark } from "../parts/mark.tsx";
import { signedOutWhy, signIn, type Config } from "../state/session.ts";

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
        {signedOutWhy.value && <p class="trouble" role="alert">{`${signedOutWhy.value} Paste one that is still good.`}</p>}
        <div class="field">
          <label for="token">API token</label>
          <input
            id="token"
            type="password"
            autocomplete="off"
            spellcheck={false}
            autofocus
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
