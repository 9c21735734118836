/** A live document as an ARIA tree. As in the grid, the tree itself holds the focus and names its active row. */

import { isContainer, type Json } from "../protocol/json.ts";
import { paintValue } from "./cell.ts";
import { make, setAttribute, setText } from "./dom.ts";
import { Flash } from "./flash.ts";
import { flatten, ROWS_OPEN_MAX, type Node } from "./flatten.ts";
import { preview, visible } from "./format.ts";
import { Frames } from "./frames.ts";
import type { Island, IslandPorts, Look } from "./island.ts";
import { moved } from "./keys.ts";
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
  private readonly opened = new Map<string, boolean>();
  private all: Node[] = [];
  private nodes: Node[] = [];
  private query = "";
  private cursor: { id: string | null; row: number } = { id: null, row: -1 };

  constructor(host: HTMLElement, ports: IslandPorts) {
    this.ports = ports;
    this.root = make("div", "tree", { role: "tree", "aria-label": ports.label });
    this.root.tabIndex = 0;
    this.rows = new Rows(this.root, { make: makeRow, fill: (row, index) => this.fill(row, index), ready: nothing });
    this.rows.body.setAttribute("role", "none");
    this.frames = new Frames(this.flash, { paint: (isStructural) => this.paint(isStructural) });
    this.root.addEventListener("keydown", (event) => this.key(event));
    this.root.addEventListener("click", (event) => this.click(event));
    this.root.addEventListener("focus", () => this.focused());
    host.append(this.root);
    this.paint(true);
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
    this.frames.end();
    this.rows.destroy();
    this.root.remove();
  }

  private paint(isStructural: boolean): void {
    if (isStructural) this.read();
    else this.rows.paint();
    this.tellPicked();
  }

  private read(): void {
    const document = this.ports.document();
    const { nodes, isCut } = document === undefined ? { nodes: [], isCut: false } : flatten(document, this.opened);
    this.all = nodes;
    this.ports.noted(isCut ? `The first ${ROWS_OPEN_MAX.toLocaleString()} open rows; close some to see others.` : "");
    this.arrange();
  }

  private arrange(): void {
    const words = this.query.toLowerCase().split(/\s+/).filter(Boolean);
    this.nodes = words.length === 0 ? this.all : this.all.filter((node) => holds(node, words));
    const found = this.nodes.findIndex(({ id }) => id === this.cursor.id);
    this.cursor.row = found >= 0 ? found : Math.min(this.cursor.row, this.nodes.length - 1);
    this.rows.show(this.nodes.length);
  }

  private fill(row: HTMLElement, index: number): void {
    const node = this.nodes[index] as Node;
    const [twist, label, value] = row.children as unknown as [HTMLElement, HTMLElement, HTMLElement];
    this.describe(row, node, index);
    setText(twist, node.isBranch ? (node.isOpen ? "▾" : "▸") : "");
    setText(label, visible(node.label));
    const held = current(node);
    const mark = node.container === null ? null : this.flash.shown(node.container, node.key, held);
    paintValue(value, held === undefined ? "" : preview(held), held, mark);
  }

  private describe(row: HTMLElement, node: Node, index: number): void {
    const isCursor = index === this.cursor.row;
    row.dataset["row"] = String(index);
    row.style.paddingInlineStart = `${8 + node.depth * INDENT_PX}px`;
    row.classList.toggle("cursor", isCursor);
    setAttribute(row, "id", isCursor ? `${this.name}-c` : null);
    setAttribute(row, "aria-level", String(node.depth + 1));
    setAttribute(row, "aria-posinset", String(node.position));
    setAttribute(row, "aria-setsize", String(node.siblings));
    setAttribute(row, "aria-expanded", node.isBranch ? String(node.isOpen) : null);
    setAttribute(row, "aria-selected", isCursor ? "true" : null);
  }

  private click(event: MouseEvent): void {
    const row = (event.target as HTMLElement).closest<HTMLElement>("[role=treeitem]");
    if (row === null) return;
    this.moveTo(Number(row.dataset["row"]));
    const onTwist = (event.target as HTMLElement).classList.contains("twist");
    if (onTwist || event.detail === 2) this.toggle();
  }

  /** The keyboard arrives at the first row in view; the pointer chooses its own place. */
  private focused(): void {
    const isNew = this.cursor.row < 0 && this.nodes.length > 0;
    if (isNew && this.root.matches(":focus-visible")) this.moveTo(this.rows.firstInView);
  }

  private key(event: KeyboardEvent): void {
    const at = Math.max(0, this.cursor.row);
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
    this.moveTo(next.row);
  }

  /** Right opens, then enters; left closes, then leaves; Enter turns over. */
  private unfold(key: string, node: Node): boolean {
    if (key === "ArrowRight" && node.isOpen) this.moveTo(Math.min(this.cursor.row + 1, this.nodes.length - 1));
    else if (key === "ArrowLeft" && !node.isOpen) this.moveTo(this.parentOf(this.cursor.row));
    else if (node.isBranch && (key === "ArrowRight" || key === "ArrowLeft" || key === "Enter")) this.toggle();
    else return key === "ArrowRight";
    return true;
  }

  private parentOf(row: number): number {
    const depth = this.nodes[row]?.depth ?? 0;
    for (let above = row - 1; above >= 0; above -= 1) if ((this.nodes[above]?.depth ?? 0) < depth) return above;
    return row;
  }

  private toggle(): void {
    const node = this.nodes[this.cursor.row];
    if (node?.isBranch !== true) return;
    this.opened.set(node.id, !node.isOpen);
    this.read();
  }

  private moveTo(row: number): void {
    this.cursor = { id: this.nodes[row]?.id ?? null, row };
    this.rows.reveal(row);
    this.rows.paint();
    setAttribute(this.root, "aria-activedescendant", `${this.name}-c`);
    this.tellPicked();
  }

  private tellPicked(): void {
    const node = this.nodes[this.cursor.row];
    this.ports.picked(node === undefined ? null : { path: node.path, value: current(node) });
  }
}

/** The value now: plain values change in place without a new list of nodes. */
function current({ container, key, value }: Node): Json | undefined {
  return container === null ? value : Object.hasOwn(container, key) ? (container as Record<string, Json>)[key] : undefined;
}

function holds(node: Node, words: readonly string[]): boolean {
  const value = current(node);
  const text = `${node.label}\n${isContainer(value) ? "" : String(value)}`.toLowerCase();
  return words.every((word) => text.includes(word));
}

/** A tree has no columns to look after. */
function nothing(): void {}

function makeRow(): HTMLElement {
  const row = make("div", "tree-row", { role: "treeitem" });
  row.append(make("span", "twist", { "aria-hidden": "true" }), make("span", "label"), make("span", "value"));
  return row;
}
