/** Addresses are fragments: the same build works from any static host. */

import { signal } from "@preact/signals";

export const TABS = ["live", "changes", "charts", "settings"] as const;
export type Tab = (typeof TABS)[number];
/** `place` is a JSON Pointer that the tab is about; empty for none. */
export type Route = { page: "sources" } | { page: "source"; id: string; tab: Tab; place: string } | { page: "fleet" };

export const route = signal<Route>({ page: "sources" });

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

/** The token of `#token=…`, if the fragment holds one. */
export function readToken(hash: string): string | null {
  const token = hash.startsWith("#token=") ? decoded(hash.slice("#token=".length)) : "";
  return token === "" ? null : token;
}

/** Follow the fragment. A token in it is handed over and erased from the address at once. */
export function followFragment(tokenFound: (token: string) => void): void {
  const look = () => {
    const token = readToken(location.hash);
    if (token !== null) {
      history.replaceState(null, "", "#/sources");
      tokenFound(token);
    }
    route.value = readRoute(location.hash);
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
