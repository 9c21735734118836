/** Asks who somebody is. What they show is kept in memory only: closing or reloading the page forgets it. */

import { useState } from "preact/hooks";
import { Dialog } from "../parts/dialog.tsx";
import { later } from "../parts/later.tsx";
import { Mark } from "../parts/mark.tsx";
import type { Grant } from "../state/renewal.ts";
import { pasted, refusedWhy, session, signedOutWhy, signIn, signOut, type Config } from "../state/session.ts";

const WithIssuer = later(async () => (await import("./with-issuer.tsx")).WithIssuer);

export function SignIn({ config }: { config: Config }) {
  return (
    <main class="alone">
      <section class="card">
        <Mark />
        <h1>Sign in</h1>
        {signedOutWhy.value && <p class="trouble" role="alert">{`${signedOutWhy.value} Use one that is still good.`}</p>}
        <Ways config={config} done={(grant) => signIn(config, grant)} />
      </section>
    </main>
  );
}

/** Over the page as it is: nothing on it is lost by signing in again. `onClose` is for who does it before they must. */
export function SignInAgain({ config, onClose }: { config: Config; onClose(): void }) {
  const why = refusedWhy.value;
  const done = (grant: Grant) => {
    session.value?.take(grant);
    onClose();
  };
  return (
    <Dialog title="Sign in again" onClose={() => refusedWhy.value === "" && onClose()}>
      <p role={why === "" ? undefined : "alert"}>{why} What is on this page, and what you typed, stays as it is.</p>
      <Ways config={config} done={done} />
      <div class="actions">
        {why === "" && <button type="button" onClick={onClose}>Not now</button>}
        <button type="button" class="danger" onClick={() => signOut("")}>Sign out and lose it</button>
      </div>
    </Dialog>
  );
}

function Ways({ config, done }: { config: Config; done(grant: Grant): void }) {
  const [token, setToken] = useState("");
  const [why, setWhy] = useState("");
  const submit = (event: Event) => {
    event.preventDefault();
    const [wrong, typed] = [notAToken(token.trim()), token.trim()];
    setWhy(wrong);
    if (wrong === "") done(pasted(typed));
  };
  return (
    <form class="ways" onSubmit={submit}>
      {config.signIn && <WithIssuer signIn={config.signIn} done={done} />}
      <div class="field">
        <label for="token">API token</label>
        <input
          id="token"
          type="password"
          autocomplete="off"
          spellcheck={false}
          autofocus={config.signIn === undefined}
          required
          aria-describedby={why === "" ? "token-hint" : "token-error token-hint"}
          aria-invalid={why !== ""}
          value={token}
          onInput={(event) => setToken(event.currentTarget.value)}
        />
        {why && <p class="error" id="token-error" role="alert">{why}</p>}
        <p class="hint" id="token-hint">Kept in this page's memory only: closing or reloading it forgets the token.</p>
      </div>
      <button type="submit" class="primary">Sign in</button>
    </form>
  );
}

/** What no header can carry would fail as if the server were away. */
function notAToken(typed: string): string {
  return /^[\x21-\x7e]+$/.test(typed) ? "" : "That is no token: it has spaces, or characters that none has. Perhaps more was copied than the token.";
}
