/** The door: configuration, token, page. */

import { render } from "preact";
import { App } from "./app.tsx";
import { followFragment } from "./route.ts";
import { passOn } from "./state/returned.ts";
import { signIn, wakeOnReturn, type Config } from "./state/session.ts";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/layout.css";
import "./styles/controls.css";
import "./styles/lists.css";
import "./styles/live.css";

const root = document.getElementById("app") as HTMLElement;

async function start(): Promise<void> {
  if (passOn()) return render(<main class="alone"><p role="status">Signed in. This window can be closed.</p></main>, root);
  let found: string | null = null;
  let config: Config | null = null;
  // First of all, so that a token is out of the address before anything else happens.
  followFragment((token) => {
    found = token;
    if (config !== null) signIn(config, token);
  });
  try {
    const response = await fetch("./config.json", { cache: "no-store" });
    if (!response.ok) throw new Error(`config.json answered ${response.status}`);
    config = (await response.json()) as Config;
  } catch (error) {
    return render(<App config={null} why={String(error)} />, root);
  }
  if (found !== null) signIn(config, found);
  wakeOnReturn();
  render(<App config={config} why="" />, root);
}

void start();
