/** The window in which somebody signed in with an issuer, once it is back: part of the first screen, and little of it. */

export const CHANNEL = "signed-in";

/** In the window that came back: pass on what the issuer said. False where this page is no such window. */
export function passOn(): boolean {
  const said = Object.fromEntries(new URLSearchParams(location.search));
  if (said["state"] === undefined || (said["code"] ?? said["error"]) === undefined) return false;
  history.replaceState(null, "", location.pathname);
  new BroadcastChannel(CHANNEL).postMessage(said);
  close();
  return true;
}
