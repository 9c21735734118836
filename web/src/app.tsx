/** The frame around every page: navigation, link state, theme; or the sign-in form. */

import { useEffect, useRef, useState } from "preact/hooks";
import { Announcer } from "./parts/announcer.tsx";
import { Confirm } from "./parts/confirm.tsx";
import { useKeys } from "./parts/keys.ts";
import { LinkPill } from "./parts/link-pill.tsx";
import { later } from "./parts/later.tsx";
import { Mark } from "./parts/mark.tsx";
import { ThemeSwitch } from "./parts/theme.tsx";
import { leave, leaveAnyway, leaving, route, sourceAddress } from "./route.ts";
import { nowMs } from "./state/clock.ts";
import { endsAtMs, refusedWhy, session, signOut, type Config } from "./state/session.ts";
import { duration } from "./state/since.ts";
import { SignIn, SignInAgain } from "./views/sign-in.tsx";
import { SourcesPage } from "./views/sources.tsx";

const SourcePage = later(async () => (await import("./views/source.tsx")).SourcePage);
const FleetPage = later(async () => (await import("./views/fleet.tsx")).FleetPage);
const Help = later(async () => (await import("./views/help.tsx")).Help);

/** The second key of `g s` has to follow within this. */
const GO_WITHIN_MS = 1_000;

export function App({ config, why }: { config: Config | null; why: string }) {
  if (config === null) return <Broken why={why} />;
  return session.value === null ? <SignIn config={config} /> : <Shell config={config} />;
}

function Shell({ config }: { config: Config }) {
  const main = useRef<HTMLElement>(null);
  const { page } = route.value;
  const key = route.value.page === "source" ? route.value.id : page;
  // After a change of page the reader's place is the new page, not a link that may be gone.
  const isFirst = useRef(true);
  useEffect(() => {
    if (!isFirst.current) main.current?.focus({ preventScroll: true });
    // In a small window the page itself scrolls, and would stay where the last one was left.
    scrollTo(0, 0);
    isFirst.current = false;
  }, [key]);
  const [isHelping, setHelping] = useState(false);
  const [isSigningIn, setSigningIn] = useState(false);
  useShellKeys(() => setHelping(true));
  return (
    <div class="shell">
      <a class="skip" href="#main" onClick={(event) => (event.preventDefault(), main.current?.focus())}>
        Skip to the content
      </a>
      <header class="top">
        <a class="brand" href="#/sources" aria-label="Live sources">
          <Mark />
          <span>Live sources</span>
        </a>
        <nav class="nav" aria-label="Pages">
          <NavLink href="#/sources" isHere={page !== "fleet"} text="Sources" />
          <NavLink href="#/fleet" isHere={page === "fleet"} text="Fleet" />
        </nav>
        <div class="top-end">
          <LinkPill />
          <ThemeSwitch />
          <button type="button" class="quiet icon" aria-label="Keys" title="Keys  ?" onClick={() => setHelping(true)}>?</button>
          <button type="button" class="quiet sign-out" aria-label="Sign out" title="Sign out" onClick={() => leave(() => signOut(""))}>
            <span>Sign out</span>
            <svg viewBox="0 0 16 16" aria-hidden="true">
              <path d="M6 2H3v12h3M7 8h7m-3-3 3 3-3 3" />
            </svg>
          </button>
        </div>
      </header>
      <Ending signIn={() => setSigningIn(true)} />
      <main id="main" ref={main} tabIndex={-1} key={key}>
        <Page />
      </main>
      {(isSigningIn || refusedWhy.value !== "") && <SignInAgain config={config} onClose={() => setSigningIn(false)} />}
      {isHelping && <Help onClose={() => setHelping(false)} />}
      <Leaving />
      <Announcer />
    </div>
  );
}

function Leaving() {
  const act = leaving.value;
  if (act === null) return null;
  return (
    <Confirm title="Throw away what you typed?" text="It was not saved." act="Throw away"
      onConfirm={async () => (leaveAnyway(act), null)} onClose={() => (leaving.value = null)} />
  );
}

/** Said in time: whoever types something long should not be surprised. Said once: the time beside it counts. */
function Ending({ signIn }: { signIn(): void }) {
  const atMs = endsAtMs.value;
  if (atMs === null || refusedWhy.value !== "") return null;
  return (
    <p class="ending">
      <span role="status">Your sign-in ends</span> {atMs > nowMs.value ? `in ${duration(atMs - nowMs.value)}` : "now"}. <button type="button" class="inline" onClick={signIn}>Sign in again</button>
    </p>
  );
}

function useShellKeys(help: () => void): void {
  const goAtMs = useRef(Number.NEGATIVE_INFINITY);
  const go = (address: string) => () => {
    if (performance.now() - goAtMs.current < GO_WITHIN_MS) location.hash = address;
  };
  const edit = () => {
    if (route.value.page === "source") location.hash = sourceAddress(route.value.id, "settings");
  };
  useKeys({ "?": help, g: () => (goAtMs.current = performance.now()), s: go("#/sources"), f: go("#/fleet"), e: edit });
}

function Page() {
  const at = route.value;
  if (at.page === "fleet") return <FleetPage />;
  return at.page === "source" ? <SourcePage id={at.id} /> : <SourcesPage />;
}

function NavLink({ href, isHere, text }: { href: string; isHere: boolean; text: string }) {
  return (
    <a href={href} aria-current={isHere ? "page" : undefined}>
      {text}
    </a>
  );
}

function Broken({ why }: { why: string }) {
  return (
    <main class="alone">
      <section class="card">
        <h1>The dashboard is not set up</h1>
        <p>Its configuration could not be read. {why}</p>
        <button type="button" class="primary" onClick={() => location.reload()}>
          Try again
        </button>
      </section>
    </main>
  );
}
