/** A document as the rows of a tree: what is open is listed, what is closed is one row. */

import { isContainer, type Container, type Json } from "../protocol/json.ts";
import type { Place } from "./place.ts";

export const ROWS_OPEN_MAX = 100_000;
const CHUNKED_FROM = 200;
const CHUNK_SIZE = 100;
const OPEN_TO_DEPTH = 2;

/** Neither its path nor an id is kept: for most of the rows nobody ever asks, and writing them is what takes long. */
export interface Node {
  parent: Node | null;
  label: string;
  depth: number;
  /** Null for the root and for a part of a long list. */
  container: Container | null;
  key: string;
  /** What the row stands for; for a part of a long list, the list. */
  value: Json;
  /** Which part of a long list, or null. */
  part: number | null;
  /** How many members or items are below it; 0 is a leaf. */
  size: number;
  isOpen: boolean;
  position: number;
  siblings: number;
}

/** Whether the reader opened or closed it; undefined: they did not say, and it follows its depth. */
export type Chosen = (of: Container, part: number | null) => boolean | undefined;

/** The rows to show; `isCut` if there would be more than `ROWS_OPEN_MAX`. */
export function flatten(document: Json, chosen: Chosen): { nodes: Node[]; isCut: boolean } {
  const into: Into = { nodes: [], chosen, max: ROWS_OPEN_MAX };
  const size = sizeOf(document);
  const isCut = !list(into, {
    parent: null, label: "document", depth: 0, container: null, key: "", value: document, part: null, size,
    isOpen: isOpen(into, document, size, 0), position: 1, siblings: 1,
  });
  return { nodes: into.nodes, isCut };
}

/** The rows below an open one, as `flatten` lists them; `isCut` if there are more than `max`. */
export function below(node: Node, chosen: Chosen, max: number): { nodes: Node[]; isCut: boolean } {
  const into: Into = { nodes: [], chosen, max };
  return { isCut: !listMembers(into, node), nodes: into.nodes };
}

/** The first row after those below `nodes[row]`. */
export function endOf(nodes: readonly Node[], row: number): number {
  const { depth } = nodes[row] as Node;
  let end = row + 1;
  while (end < nodes.length && (nodes[end] as Node).depth > depth) end += 1;
  return end;
}

export function placeOf(node: Node): Place {
  const path: (string | number)[] = [];
  const trail: Container[] = [];
  for (let at: Node | null = node; at !== null; at = at.parent) {
    if (at.container !== null) path.push(Array.isArray(at.container) ? Number(at.key) : at.key);
    // A part of a list stands for the list, which is on the way already.
    if (at.part === null && isContainer(at.value)) trail.push(at.value);
  }
  return { path: path.reverse(), trail: trail.reverse() };
}

interface Into {
  nodes: Node[];
  chosen: Chosen;
  max: number;
}

/** Add a node and what is open below it; false once the tree is full. */
function list(into: Into, node: Node): boolean {
  if (into.nodes.length >= into.max) return false;
  into.nodes.push(node);
  return !node.isOpen || listMembers(into, node);
}

function listMembers(into: Into, node: Node): boolean {
  const { value, part } = node;
  if (part !== null) return listItems(into, node, value as Json[], part * CHUNK_SIZE);
  if (!Array.isArray(value)) return Object.keys(value as Container).every((key, i) => listMember(into, node, value as Container, key, i + 1));
  return value.length > CHUNKED_FROM ? listChunks(into, node, value) : listItems(into, node, value, 0);
}

/** The items from `start`, as many as the parent has. */
function listItems(into: Into, parent: Node, value: Json[], start: number): boolean {
  for (let i = 0; i < parent.size; i += 1) if (!listMember(into, parent, value, String(start + i), i + 1)) return false;
  return true;
}

function listMember(into: Into, parent: Node, container: Container, key: string, position: number): boolean {
  const value = (container as { [key: string]: Json })[key] as Json;
  const [depth, size] = [parent.depth + 1, sizeOf(value)];
  // Made in one go: a copy of a copy for each of fifty thousand rows is most of what listing them takes.
  return list(into, {
    parent, label: key, depth, container, key, value, part: null, size,
    isOpen: isOpen(into, value, size, depth), position, siblings: parent.size,
  });
}

function listChunks(into: Into, parent: Node, value: Json[]): boolean {
  const siblings = Math.ceil(value.length / CHUNK_SIZE);
  for (let part = 0; part < siblings; part += 1) {
    const start = part * CHUNK_SIZE;
    const size = Math.min(CHUNK_SIZE, value.length - start);
    const isWhole = list(into, {
      parent, label: `${start} … ${start + size - 1}`, depth: parent.depth + 1, container: null, key: "", value, part, size,
      isOpen: into.chosen(value, part) ?? part === 0, position: part + 1, siblings,
    });
    if (!isWhole) return false;
  }
  return true;
}

function isOpen({ chosen }: Into, value: Json, size: number, depth: number): boolean {
  return size > 0 && (chosen(value as Container, null) ?? depth < OPEN_TO_DEPTH);
}

function sizeOf(value: Json): number {
  if (!isContainer(value)) return 0;
  return Array.isArray(value) ? value.length : Object.keys(value).length;
}
