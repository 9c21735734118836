import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const css = readFileSync(new URL("../src/styles/tokens.css", import.meta.url), "utf8");
const tokens = new Map([...css.matchAll(/--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)/g)].map(([, name, light, dark]) => [name, { light, dark }]));

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(a: string, b: string): number {
  const [light = 0, dark = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

function assertContrast(front: string, back: string, least: number): void {
  for (const theme of ["light", "dark"] as const) {
    const [a, b] = [tokens.get(front)?.[theme] ?? "", tokens.get(back)?.[theme] ?? ""];
    assert.ok(contrast(a, b) >= least, `${front} on ${back}, ${theme}: ${contrast(a, b).toFixed(2)}`);
  }
}

test("text can be read on every ground (WCAG 1.4.3)", () => {
  for (const ground of ["bg", "surface"]) {
    for (const text of ["fg", "muted", "accent", "ok", "warn", "bad"]) assertContrast(text, ground, 4.5);
  }
  for (const mark of ["mark-up", "mark-down", "mark-change"]) assertContrast("fg", mark, 4.5);
  for (const ground of ["accent", "bad"]) assertContrast("on-accent", ground, 4.5);
});

test("controls and bars can be told from their ground (WCAG 1.4.11)", () => {
  for (const line of ["control", "bar-up", "bar-down", "bar-change"]) assertContrast(line, "bg", 3);
});
