/** The door: configuration, token, page. */

import { render } from "preact";
import { App } from "./app.tsx";
import { unreachable } from "./api/problem.ts";
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
    config = await read();
  } catch (error) {
    return render(<App config={null} why={(error as Error).message} />, root);
  }
  if (found !== null) signIn(config, found);
  wakeOnReturn();
  render(<App config={config} why="" />, root);
}

async function read(): Promise<Config> {
  const response = await fetch("./config.json", { cache: "no-store" }).catch((error: unknown) => {
    throw unreachable(error);
  });
  if (!response.ok) throw new Error(`config.json was answered with ${response.status}.`);
  return (await response.json()) as Config;
}

void start();
