/** The workers and what each owns. */

import type { Fleet } from "../api/types.ts";
import { Polled } from "./polling.ts";
import { onSignOut, session } from "./session.ts";

/** Whoever looks at sources only needs to know that somebody polls them. */
const OWNERS_EVERY_MS = 15_000;

export const fleet = new Polled<Fleet>(ask);
export const owners = new Polled<Fleet>(ask, OWNERS_EVERY_MS);

onSignOut(() => {
  fleet.forget();
  owners.forget();
});

async function ask(): Promise<Fleet> {
  return (await session.value?.api.fleet()) ?? { kinds: {} };
}
