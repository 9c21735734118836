import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { gzipSync } from "node:zlib";

const dist = new URL("../dist/", import.meta.url);
const FIRST_MAX = 28_000;
const ALL_MAX = 79_000;
const CSS_MAX = 8_000;

function packed(name: string): number {
  return gzipSync(readFileSync(new URL(`assets/${name}`, dist))).length;
}

function sum(names: readonly string[]): number {
  return names.map(packed).reduce((a, b) => a + b, 0);
}

test("the page stays small: what the first screen needs, everything, and the styles (gzip)", () => {
  assert.ok(existsSync(dist), "build it first: npm run build");
  const names = readdirSync(new URL("assets/", dist));
  const page = readFileSync(new URL("index.html", dist), "utf8");
  const scripts = names.filter((name) => name.endsWith(".js"));
  const first = sum(scripts.filter((name) => page.includes(name)));
  assert.ok(first > 0 && first <= FIRST_MAX, `first screen: ${first}`);
  assert.ok(sum(scripts) <= ALL_MAX, `all: ${sum(scripts)}`);
  assert.ok(sum(names.filter((name) => name.endsWith(".css"))) <= CSS_MAX, "styles");
});

test("the chart library is not part of the first screen", () => {
  const page = readFileSync(new URL("index.html", dist), "utf8");
  assert.doesNotMatch(page, /uPlot/i);
});
