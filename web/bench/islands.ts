/**
 * One island and a document that changes at a set pace, for `python -m bench.dashboard` to drive and measure.
 *
 * Changes are patches as the gateway sends them, ten messages a second, applied by the page's own code.
 */

import { Grid } from "../src/live/grid.ts";
import type { Island, IslandPorts, Look } from "../src/live/island.ts";
import { Kept } from "../src/live/kept.ts";
import { Tree } from "../src/live/tree.ts";
import { parseJson, type Json } from "../src/protocol/json.ts";
import { applyPatch, type Operation, type Touch } from "../src/protocol/patch.ts";
import "../src/styles/tokens.css";
import "../src/styles/base.css";
import "../src/styles/live.css";
import "./islands.css";

const MESSAGES_PER_S = 10;
const COLUMNS = 12;
const LISTS = 500;
const LIST_LENGTH = 100;

const host = document.getElementById("host") as HTMLElement;
let island: Island | null = null;
let shown: Json = null;
let changes = 0;

const ports: IslandPorts = {
  document: () => shown,
  label: "Measured",
  kept: new Kept(),
  picked: nothing,
  noted: nothing,
  reshaped: nothing,
  aged: nothing,
};

function nothing(): void {}

function mount(Made: new (host: HTMLElement, ports: IslandPorts, look: Look) => Island): void {
  island?.destroy();
  ports.kept = new Kept();
  island = new Made(host, ports, { query: "", frozen: 0, hasFilters: false });
}

function apply(operations: Operation[]): void {
  const touched: Touch[] = [];
  shown = applyPatch(shown, operations, touched);
  ports.kept.changed(touched, shown);
  island?.changed(touched);
}

const replace = (path: string): Operation => ({ op: "replace", path, value: ++changes });

/** Let time pass; how many frames there were. */
async function frames(seconds: number, each: (sinceMs: number) => void): Promise<number> {
  const begin = performance.now();
  let count = 0;
  for (let now = begin; now < begin + seconds * 1_000; now = await new Promise(requestAnimationFrame)) {
    count += 1;
    each(now - begin);
  }
  return count;
}

const bench = {
  /** From the text of a table to its first rows on the page; ms. */
  async grid(rows: number): Promise<number> {
    const text = JSON.stringify(Array.from({ length: rows }, (_, row) => Object.fromEntries(Array.from({ length: COLUMNS }, (_, i) => [`c${i}`, row * i]))));
    island?.destroy();
    const begin = performance.now();
    shown = parseJson(text);
    mount(Grid);
    await painted();
    return performance.now() - begin;
  },

  /** A tree of 51,000 nodes, all of them open; how many there are. */
  async tree(): Promise<number> {
    const values = () => Array.from({ length: LIST_LENGTH }, (_, i) => i);
    shown = { lists: Object.fromEntries(Array.from({ length: LISTS }, (_, i) => [`l${i}`, { n: i, values: values() }])), one: 1 };
    mount(Tree);
    bench.press("ArrowDown", "End", "ArrowUp");
    // From the last to the first, so that what is open already is below.
    for (let list = 0; list < LISTS; list += 1) bench.press("ArrowRight", "ArrowDown", "ArrowDown", "ArrowRight", "ArrowUp", "ArrowUp", "ArrowUp");
    await painted();
    const rowPx = parseFloat(getComputedStyle(host).getPropertyValue("--row"));
    return Math.round((host.querySelector(".rows") as HTMLElement).offsetHeight / rowPx);
  },

  press(...keys: string[]): void {
    for (const key of keys) host.firstElementChild?.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
  },

  /** Presses keys one after another; the longest time from one of them to the frame that shows it, ms. */
  async slowest(...keys: string[]): Promise<number> {
    let slowest = 0;
    for (const key of keys) {
      const begin = performance.now();
      bench.press(key);
      await painted();
      slowest = Math.max(slowest, performance.now() - begin);
    }
    return slowest;
  },

  /** So many values a second, all in the first rows; returns the frames of that time. */
  async change(perS: number, rows: number, seconds: number): Promise<number> {
    (host.firstElementChild as HTMLElement).scrollTop = 0;
    const timer = setInterval(() => apply(Array.from({ length: perS / MESSAGES_PER_S }, (_, i) => replace(`/${i % rows}/c${i % COLUMNS}`))), 1_000 / MESSAGES_PER_S);
    try {
      return await frames(seconds, nothing);
    } finally {
      clearInterval(timer);
    }
  },

  /** The same anywhere in the table, while somebody scrolls. */
  async scroll(perS: number, rows: number, pxPerS: number, seconds: number): Promise<number> {
    const root = host.firstElementChild as HTMLElement;
    const timer = setInterval(() => apply(Array.from({ length: perS / MESSAGES_PER_S }, (_, i) => replace(`/${(i * 7_919) % rows}/c${i % COLUMNS}`))), 1_000 / MESSAGES_PER_S);
    try {
      return await frames(seconds, (sinceMs) => (root.scrollTop = (sinceMs / 1_000) * pxPerS));
    } finally {
      clearInterval(timer);
    }
  },

  /** A record comes at the top and one goes at the end; ms until it is painted. */
  async insert(): Promise<number> {
    const begin = performance.now();
    apply([{ op: "add", path: "/0", value: { c0: ++changes } }, { op: "remove", path: "/5000" }]);
    await painted();
    return performance.now() - begin;
  },

  /** Turn the node under the cursor over, again and again; ms of script each time. */
  async toggle(times: number): Promise<number[]> {
    const took: number[] = [];
    for (let i = 0; i < times; i += 1) {
      const begin = performance.now();
      bench.press("Enter");
      took.push(performance.now() - begin);
      await painted();
    }
    return took;
  },

  /** Apply 500 operations; ms. */
  apply(): number {
    const operations = Array.from({ length: 500 }, (_, i) => replace(`/${(i * 7_919) % 10_000}/c${i % COLUMNS}`));
    const begin = performance.now();
    shown = applyPatch(shown, operations, []);
    return performance.now() - begin;
  },
};

/** After the next frame is on the screen: a task that is posted while a frame is made comes once it is drawn. */
function painted(): Promise<void> {
  return new Promise((resolve) => {
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => resolve();
      port2.postMessage(null);
    });
  });
}

Object.assign(window, { bench });
