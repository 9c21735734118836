/** The workers and what each owns. */

import type { Fleet } from "../api/types.ts";
import { Polled } from "./polling.ts";
import { session } from "./session.ts";

export const fleet = new Polled<Fleet>(async () => (await session.value?.api.fleet()) ?? { kinds: {} });
