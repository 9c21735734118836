import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { gzipSync } from "node:zlib";

const dist = new URL("../dist/", import.meta.url);
/** Bytes, gzip. docs/dashboard.md says what they are held against. */
const FIRST_MAX = 28_500;
const ALL_MAX = 70_000;
const CSS_MAX = 8_000;

function packed(name: string): number {
  return gzipSync(readFileSync(new URL(`assets/${name}`, dist)), { level: 9 }).length;
}

function assertSmall(what: string, names: readonly string[], max: number): void {
  const bytes = names.map(packed).reduce((a, b) => a + b, 0);
  assert.ok(bytes > 0 && bytes <= max, `${what}: ${bytes} bytes, at most ${max}`);
}

test("the page stays small: its first screen, all scripts together, and the styles", () => {
  assert.ok(existsSync(dist), "build it first: npm run build");
  const names = readdirSync(new URL("assets/", dist));
  const page = readFileSync(new URL("index.html", dist), "utf8");
  const scripts = names.filter((name) => name.endsWith(".js"));
  assertSmall("first screen", scripts.filter((name) => page.includes(name)), FIRST_MAX);
  assertSmall("all scripts", scripts, ALL_MAX);
  assertSmall("styles", names.filter((name) => name.endsWith(".css")), CSS_MAX);
});
