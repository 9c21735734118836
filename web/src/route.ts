/** Addresses are fragments: the same build works from any static host. */

import { signal } from "@preact/signals";

export const TABS = ["live", "changes", "charts", "settings"] as const;
export type Tab = (typeof TABS)[number];
/** `place` is a JSON Pointer that the tab is about; empty for none. */
export type Route = { page: "sources" } | { page: "source"; id: string; tab: Tab; place: string } | { page: "fleet" };

export const route = signal<Route>({ page: "sources" });

/** What was asked for while something typed would be lost by it; null where nobody has to decide. */
export const leaving = signal<(() => void) | null>(null);
let hasUnsaved: () => boolean = () => false;

/** Ask before the page is left while there is something unsaved; returns what ends the guard. */
export function guardLeaving(isUnsaved: () => boolean): () => void {
  const ask = (event: BeforeUnloadEvent) => {
    if (isUnsaved()) event.preventDefault();
  };
  hasUnsaved = isUnsaved;
  addEventListener("beforeunload", ask);
  return () => {
    hasUnsaved = () => false;
    removeEventListener("beforeunload", ask);
  };
}

/** Do what loses what is typed: at once where nothing is, else when somebody decided so. */
export function leave(act: () => void): void {
  if (hasUnsaved()) leaving.value = act;
  else act();
}

/** Do it, whatever is lost. */
export function leaveAnyway(act: () => void): void {
  hasUnsaved = () => false;
  leaving.value = null;
  act();
}

export function readRoute(hash: string): Route {
  const [page, id, tab, place = ""] = hash.replace(/^#\/?/, "").split("/");
  if (page === "fleet") return { page: "fleet" };
  if (page === "sources" && id) return { page: "source", id: decoded(id), tab: TABS.find((name) => name === tab) ?? "live", place: decoded(place) };
  return { page: "sources" };
}

export function sourceAddress(id: string, tab: Tab = "live", place = ""): string {
  const rest = place === "" ? (tab === "live" ? "" : `/${tab}`) : `/${tab}/${encodeURIComponent(place)}`;
  return `#/sources/${encodeURIComponent(id)}${rest}`;
}

/** A JSON Pointer as people type it, perhaps without its first slash. */
export function toPointer(typed: string): string {
  const text = typed.trim();
  return text === "" || text.startsWith("/") ? text : `/${text}`;
}

/** The token of `#token=…`, if the fragment holds one. */
export function readToken(hash: string): string | null {
  const token = hash.startsWith("#token=") ? decoded(hash.slice("#token=".length)) : "";
  return token === "" ? null : token;
}

/** Follow the fragment. A token in it is handed over and erased from the address at once. */
export function followFragment(tokenFound: (token: string) => void): void {
  let at = location.hash;
  const look = () => {
    const token = readToken(location.hash);
    if (token !== null) {
      history.replaceState(null, "", "#/sources");
      tokenFound(token);
    }
    const to = location.hash;
    if (to !== at && hasUnsaved()) {
      history.replaceState(null, "", at);
      return leave(() => (location.hash = to));
    }
    at = location.hash;
    route.value = readRoute(at);
  };
  addEventListener("hashchange", look);
  look();
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
