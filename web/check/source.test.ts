import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const files = globSync("src/**/*.{ts,tsx}", { cwd: root }).sort();

function read(file: string): string {
  return readFileSync(`${root}/${file}`, "utf8");
}

/** Ways to turn text into markup or code, to leave something behind on the machine, or around the style policy. */
const BANNED = [
  /\b(?:inner|outer)HTML\b/, /insertAdjacentHTML/, /document\.write/, /dangerouslySetInnerHTML/, /\beval\(/,
  /new Function\b/, /DOMParser/, /createContextualFragment/, /setAttribute\(\s*["'](?:style|on)/, /\bstyle=/,
  /localStorage|sessionStorage|indexedDB|document\.cookie/, /javascript:/, /\bany\b(?=[;,)\]>])/, /@ts-(?:ignore|nocheck)/,
];

test("no way from a feed's text to markup, code or storage", () => {
  for (const file of files) for (const pattern of BANNED) assert.doesNotMatch(read(file), pattern, file);
});

/** What each folder may import from, besides itself. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  protocol: [],
  api: ["protocol"],
  state: ["protocol", "api", "@preact/signals"],
  live: ["protocol"],
  parts: ["protocol", "api", "state", "live", "route", "preact", "preact/hooks", "@preact/signals"],
  views: ["protocol", "api", "state", "live", "parts", "route", "preact", "preact/hooks", "@preact/signals"],
};

test("the protocol knows no page, the islands no framework, and nothing below a view imports one", () => {
  for (const file of files) {
    const folder = file.split("/")[1] ?? "";
    const allowed = MAY_IMPORT[folder];
    if (allowed === undefined) continue;
    for (const [, target = ""] of read(file).matchAll(/from "([^"]+)"/g)) {
      assert.ok(folderOf(target, folder) === folder || allowed.includes(folderOf(target, folder)), `${file} → ${target}`);
    }
  }
});

function folderOf(target: string, folder: string): string {
  if (!target.startsWith(".")) return target;
  return target.startsWith("./") ? folder : (target.split("/")[1] ?? "").replace(/\.tsx?$/, "");
}

test("the protocol reads no clock, chance or network of the page by itself", () => {
  for (const file of files.filter((name) => name.startsWith("src/protocol/"))) {
    assert.doesNotMatch(read(file), /Date\.now|Math\.random|setTimeout|fetch\(|WebSocket\(|\bwindow\.|document\.(?:get|query|create)/, file);
  }
});

test("the page itself has neither inline script nor inline style", () => {
  const page = readFileSync(`${root}/index.html`, "utf8");
  assert.doesNotMatch(page, /<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)/);
});
