/** The cases both sides of the wire must agree on, from `tests/protocol/`. */

import { readFileSync } from "node:fs";
import { parseJson } from "../src/protocol/json.ts";

export function golden<T>(name: string): T {
  return parseJson(readFileSync(address(name), "utf8")) as T;
}

function address(name: string): URL {
  return new URL(`../../tests/protocol/${name}`, import.meta.url);
}
