/** The frame around every page: navigation, link state, theme; or the sign-in form. */

import { useEffect, useRef } from "preact/hooks";
import { Announcer } from "./parts/announcer.tsx";
import { LinkPill } from "./parts/link-pill.tsx";
import { later } from "./parts/later.tsx";
import { Mark } from "./parts/mark.tsx";
import { ThemeSwitch } from "./parts/theme.tsx";
import { route } from "./route.ts";
import { session, signOut, type Config } from "./state/session.ts";
import { SignIn } from "./views/sign-in.tsx";
import { SourcesPage } from "./views/sources.tsx";

const SourcePage = later(async () => (await import("./views/source.tsx")).SourcePage);
const FleetPage = later(async () => (await import("./views/fleet.tsx")).FleetPage);

export function App({ config, why }: { config: Config | null; why: string }) {
  if (config === null) return <Broken why={why} />;
  return session.value === null ? <SignIn config={config} /> : <Shell />;
}

function Shell() {
  const main = useRef<HTMLElement>(null);
  const { page } = route.value;
  const key = route.value.page === "source" ? route.value.id : page;
  // After a change of page the reader's place is the new page, not a link that may be gone.
  const isFirst = useRef(true);
  useEffect(() => {
    if (!isFirst.current) main.current?.focus();
    isFirst.current = false;
  }, [key]);
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
          <button type="button" class="quiet sign-out" aria-label="Sign out" title="Sign out" onClick={() => signOut("")}>
            <span>Sign out</span>
            <svg viewBox="0 0 16 16" aria-hidden="true">
              <path d="M6 2H3v12h3M7 8h7m-3-3 3 3-3 3" />
            </svg>
          </button>
        </div>
      </header>
      <main id="main" ref={main} tabIndex={-1} key={key}>
        <Page />
      </main>
      <Announcer />
    </div>
  );
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
        <p>Its configuration could not be read: {why}.</p>
        <button type="button" class="primary" onClick={() => location.reload()}>
          Try again
        </button>
      </section>
    </main>
  );
}
