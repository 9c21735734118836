/**
 * A live document as an ARIA tree.
 *
 * As in the grid, the tree itself holds the focus and names its active row, and the cursor belongs to a record. A node
 * that is opened or closed adds or takes away its own rows; the others are not listed again.
 */

import { isContainer, type Json } from "../protocol/json.ts";
import { paintValue } from "./cell.ts";
import { tsv } from "./copy.ts";
import { make, setAttribute, setText } from "./dom.ts";
import { Flash } from "./flash.ts";
import { below, endOf, flatten, placeOf, ROWS_OPEN_MAX, type Node } from "./flatten.ts";
import { preview, visible } from "./format.ts";
import { Frames } from "./frames.ts";
import type { Island, IslandPorts, Look, Picked } from "./island.ts";
import type { Kept, Scrolled } from "./kept.ts";
import { moved } from "./keys.ts";
import { valueAt, type Place } from "./place.ts";
import { Rows } from "./rows.ts";

const INDENT_PX = 18;

let trees = 0;

export class Tree implements Island {
  private readonly name = `tree${++trees}`;
  private readonly ports: IslandPorts;
  private readonly root: HTMLElement;
  private readonly rows: Rows;
  private readonly flash = new Flash(() => performance.now());
  private readonly frames: Frames;
  private all: Node[] = [];
  private isCut = false;
  /** Of all, those that match what is looked for. */
  private nodes: Node[] = [];
  private query: string;
  private readonly kept: Kept;

  constructor(host: HTMLElement, ports: IslandPorts, { query }: Look) {
    this.ports = ports;
    this.kept = ports.kept;
    this.query = query;
    this.root = make("div", "tree", { role: "tree", "aria-label": ports.label });
    this.root.tabIndex = 0;
    const pool = { make: makeRow, fill: (row: HTMLElement, index: number) => this.fill(row, index) };
    this.rows = new Rows(this.root, { ...pool, ready: () => false, filled: () => this.nameActive() });
    this.rows.body.setAttribute("role", "none");
    this.frames = new Frames(this.flash, { paint: (isStructural) => this.paint(isStructural) });
    this.root.addEventListener("keydown", (event) => this.key(event));
    this.root.addEventListener("click", (event) => this.click(event));
    this.root.addEventListener("copy", (event) => this.copy(event));
    this.root.addEventListener("focus", () => this.focused());
    host.append(this.root);
    this.paint(true);
    this.scroll(this.kept.treeAt);
  }

  changed(touched: Parameters<Island["changed"]>[0]): void {
    this.frames.changed(touched);
  }

  look({ query }: Look): void {
    if (query === this.query) return;
    this.query = query;
    this.arrange();
    this.root.scrollTop = 0;
  }

  arrangeAgain(): void {
    this.read();
  }

  destroy(): void {
    this.kept.treeAt = this.scrolled();
    this.frames.end();
    this.rows.destroy();
    this.root.remove();
  }

  private scrolled(): Scrolled {
    const { scrollTop: topPx, scrollLeft: leftPx } = this.root;
    const node = this.rows.isAtTop ? undefined : this.nodes[this.rows.firstInView];
    return { topPx, leftPx, place: node === undefined ? null : placeOf(node), part: node?.part ?? null };
  }

  private scroll({ topPx, place, part }: Scrolled): void {
    this.root.scrollTop = topPx;
    const to = place === null ? -1 : this.nodes.findIndex((node) => isAt(node, place, part));
    this.rows.show(this.nodes.length, to < 0 ? 0 : to - this.rows.firstInView);
  }

  private paint(isStructural: boolean): void {
    const kept = this.rows.isAtTop ? undefined : this.nodes[this.rows.firstInView];
    if (isStructural) this.read(kept);
    else this.rows.paint();
    this.tellPicked();
  }

  /** `kept`: the row that is to stay where it is on the screen, whatever comes or goes above it. */
  private read(kept?: Node): void {
    const document = this.ports.document();
    const { nodes, isCut } = document === undefined ? { nodes: [], isCut: false } : flatten(document, this.kept.opened.chosen);
    this.all = nodes;
    this.isCut = isCut;
    this.arrange(kept);
  }

  private arrange(kept?: Node): void {
    const words = this.query.toLowerCase().split(/\s+/).filter(Boolean);
    this.nodes = words.length === 0 ? this.all : this.all.filter((node) => holds(node, words));
    this.followRecord();
    this.ports.noted(noteOf(this.isCut, this.query !== "", this.nodes.length));
    const to = kept === undefined ? -1 : this.nodes.findIndex((node) => isSame(node, kept));
    this.rows.show(this.nodes.length, to < 0 ? 0 : to - this.rows.firstInView);
  }

  private followRecord(): void {
    const { place, part, row } = this.kept.pointed;
    if (place !== null) this.kept.pointed.row = this.nodes.findIndex((node) => isAt(node, place, part));
    // Its record is gone: the cursor belongs to the one that is there now.
    else if (row >= 0) this.point(Math.min(row, this.nodes.length - 1));
  }

  private point(row: number): void {
    const node = this.nodes[row];
    this.kept.pointed = { place: node === undefined ? null : placeOf(node), part: node?.part ?? null, row };
  }

  private fill(row: HTMLElement, index: number): void {
    const node = this.nodes[index] as Node;
    const [twist, label, value] = row.children as unknown as [HTMLElement, HTMLElement, HTMLElement];
    this.describe(row, node, index);
    setText(twist, node.size > 0 ? (node.isOpen ? "▾" : "▸") : "");
    setText(label, visible(node.label));
    const held = current(node);
    const mark = node.container === null ? null : this.flash.shown(node.container, node.key, held);
    paintValue(value, held === undefined ? "" : preview(held), held, mark);
  }

  private describe(row: HTMLElement, node: Node, index: number): void {
    const isCursor = index === this.kept.pointed.row;
    row.dataset["row"] = String(index);
    row.style.paddingInlineStart = `${8 + node.depth * INDENT_PX}px`;
    row.classList.toggle("cursor", isCursor);
    setAttribute(row, "id", isCursor ? `${this.name}-c` : null);
    setAttribute(row, "aria-level", String(node.depth + 1));
    setAttribute(row, "aria-posinset", String(node.position));
    setAttribute(row, "aria-setsize", String(node.siblings));
    setAttribute(row, "aria-expanded", node.size > 0 ? String(node.isOpen) : null);
    setAttribute(row, "aria-selected", isCursor ? "true" : null);
  }

  /** A row that is scrolled out of the window does not exist, and cannot be the active one. */
  private nameActive(): void {
    setAttribute(this.root, "aria-activedescendant", this.rows.has(this.kept.pointed.row) ? `${this.name}-c` : null);
  }

  private click(event: MouseEvent): void {
    const row = (event.target as HTMLElement).closest<HTMLElement>("[role=treeitem]");
    if (row === null) return;
    this.moveTo(Number(row.dataset["row"]));
    const onTwist = (event.target as HTMLElement).classList.contains("twist");
    if (onTwist || event.detail === 2) this.toggle();
  }

  /** Selected text is the browser's to copy. */
  private copy(event: ClipboardEvent): void {
    const picked = this.picked;
    if (picked?.value === undefined || getSelection()?.isCollapsed === false) return;
    event.preventDefault();
    event.clipboardData?.setData("text/plain", tsv([picked.value]));
  }

  /** The keyboard arrives at the first row in view; the pointer chooses its own place. */
  private focused(): void {
    const isNew = this.kept.pointed.place === null && this.nodes.length > 0;
    if (isNew && this.root.matches(":focus-visible")) this.moveTo(this.rows.firstInView);
  }

  private key(event: KeyboardEvent): void {
    const at = Math.max(0, this.kept.pointed.row);
    const node = this.nodes[at];
    if (node === undefined) return;
    const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey;
    if (isPlain && this.unfold(event.key, node)) return event.preventDefault();
    const extent = { rows: this.nodes.length, columns: 1, perPage: this.rows.perPage, firstRow: 0 };
    const isEdge = event.key === "Home" || event.key === "End";
    const pressed = { key: event.key, ctrlKey: event.ctrlKey || isEdge, metaKey: event.metaKey, altKey: event.altKey };
    const next = moved(pressed, { row: at, column: 0 }, extent);
    if (next === null) return;
    event.preventDefault();
    this.moveTo(this.kept.pointed.row < 0 ? this.rows.firstInView : next.row);
  }

  /** Right opens, then enters; left closes, then leaves; Enter turns over. */
  private unfold(key: string, node: Node): boolean {
    if (key === "ArrowRight" && node.isOpen) this.moveTo(Math.min(this.kept.pointed.row + 1, this.nodes.length - 1));
    else if (key === "ArrowLeft" && !node.isOpen) this.moveTo(this.parentOf(this.kept.pointed.row));
    else if (node.size > 0 && (key === "ArrowRight" || key === "ArrowLeft" || key === "Enter")) this.toggle();
    else return key === "ArrowRight";
    return true;
  }

  private parentOf(row: number): number {
    const depth = this.nodes[row]?.depth ?? 0;
    for (let above = row - 1; above >= 0; above -= 1) if ((this.nodes[above]?.depth ?? 0) < depth) return above;
    return row;
  }

  private toggle(): void {
    const node = this.nodes[this.kept.pointed.row];
    const { place, part } = this.kept.pointed;
    if (node === undefined || node.size === 0 || place === null) return;
    this.kept.opened.choose(place, part, !node.isOpen);
    // What a cut left out comes up when another node is closed, so all of it is listed anew.
    if (this.isCut || !this.splice(node)) this.read();
  }

  /** Turn a node over by its own rows alone; false where they are more than the tree may hold. */
  private splice(node: Node): boolean {
    const row = this.all.indexOf(node);
    const end = endOf(this.all, row);
    const inside = node.isOpen ? { nodes: [], isCut: false } : below(node, this.kept.opened.chosen, ROWS_OPEN_MAX - this.all.length);
    if (inside.isCut) return false;
    node.isOpen = !node.isOpen;
    this.all = this.all.slice(0, row + 1).concat(inside.nodes, this.all.slice(end));
    this.arrange();
    return true;
  }

  private moveTo(row: number): void {
    const before = this.kept.pointed.row;
    this.point(row);
    this.rows.reveal(row);
    this.rows.paint([before, row]);
    this.tellPicked();
  }

  private get picked(): Picked | null {
    const { place, part } = this.kept.pointed;
    if (place === null) return null;
    return { path: [...place.path], value: part === null ? valueAt(place) : undefined };
  }

  private tellPicked(): void {
    this.ports.picked(this.picked);
  }
}

function noteOf(isCut: boolean, isNarrowed: boolean, count: number): string {
  const notes = [
    isCut ? `The first ${ROWS_OPEN_MAX.toLocaleString()} open rows; close some to see others.` : "",
    isNarrowed ? `${count === 0 ? "No open row matches" : "Of the rows that are open"}; what is closed is not looked through.` : "",
  ];
  return notes.filter(Boolean).join(" ");
}

function isSame(a: Node, b: Node): boolean {
  if (a.part !== b.part) return false;
  return isContainer(a.value) ? a.value === b.value : a.container === b.container && a.key === b.key;
}

function isAt(node: Node, { path, trail }: Place, part: number | null): boolean {
  if (node.part !== part) return false;
  if (trail.length > path.length) return node.value === trail.at(-1);
  return node.container === (trail.at(-1) ?? null) && node.key === String(path.at(-1) ?? "");
}

/** The value now: plain values change in place without a new list of nodes. */
function current({ container, key, part, value }: Node): Json | undefined {
  if (part !== null) return undefined;
  return container === null ? value : Object.hasOwn(container, key) ? (container as { [key: string]: Json })[key] : undefined;
}

function holds(node: Node, words: readonly string[]): boolean {
  const value = current(node);
  const text = `${node.label}\n${isContainer(value) ? "" : String(value)}`.toLowerCase();
  return words.every((word) => text.includes(word));
}

function makeRow(): HTMLElement {
  const row = make("div", "tree-row", { role: "treeitem" });
  row.append(make("span", "twist", { "aria-hidden": "true" }), make("span", "label"), make("span", "value"));
  return row;
}
