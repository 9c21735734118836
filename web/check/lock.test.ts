import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

interface Entry {
  integrity?: string;
  resolved?: string;
  funding?: unknown;
}

const text = readFileSync(new URL("../package-lock.json", import.meta.url), "utf8");
const packages = Object.entries((JSON.parse(text) as { packages: Record<string, Entry> }).packages);

test("the lock holds no addresses", () => {
  for (const [name, entry] of packages) {
    assert.equal(entry.resolved, undefined, name);
    assert.doesNotMatch(JSON.stringify({ ...entry, funding: null }), /https?:/, name);
  }
});

test("every package is held to its hash", () => {
  for (const [name, entry] of packages) if (name !== "") assert.match(entry.integrity ?? "", /^sha512-/, name);
});
