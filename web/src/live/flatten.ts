/** A document as the rows of a tree: what is open is listed, what is closed is one row. */

import { isContainer, type Container, type Json } from "../protocol/json.ts";
import { writePointer } from "../protocol/pointer.ts";

export const ROWS_OPEN_MAX = 5_000;
const CHUNKED_FROM = 200;
const CHUNK_SIZE = 100;
const OPEN_TO_DEPTH = 2;

export interface Node {
  /** Unique in the tree, and the same after a change. */
  id: string;
  label: string;
  depth: number;
  path: (string | number)[];
  /** Null for the root and for a part of a long list. */
  container: Container | null;
  key: string;
  /** What the row stands for; for a part of a long list, undefined. */
  value: Json | undefined;
  isBranch: boolean;
  isOpen: boolean;
  position: number;
  siblings: number;
}

/** What the reader opened or closed; the rest follows its depth. */
export type Opened = ReadonlyMap<string, boolean>;

/** The rows to show; `isCut` if there would be more than `ROWS_OPEN_MAX`. */
export function flatten(document: Json, opened: Opened): { nodes: Node[]; isCut: boolean } {
  const nodes: Node[] = [];
  const root = { label: "document", path: [], container: null, key: "", position: 1, siblings: 1 };
  const isCut = !list(nodes, opened, { ...root, depth: 0, value: document });
  return { nodes, isCut };
}

type Entry = Omit<Node, "id" | "isBranch" | "isOpen">;

/** Add a node and what is open below it; false once the tree is full. */
function list(nodes: Node[], opened: Opened, entry: Entry): boolean {
  if (nodes.length >= ROWS_OPEN_MAX) return false;
  const { value, depth } = entry;
  const id = writePointer(entry.path);
  const isBranch = isContainer(value) && Object.keys(value).length > 0;
  const isOpen = isBranch && (opened.get(id) ?? depth < OPEN_TO_DEPTH);
  nodes.push({ ...entry, id, isBranch, isOpen });
  return !isOpen || listMembers(nodes, opened, entry, value);
}

function listMembers(nodes: Node[], opened: Opened, parent: Entry, value: Container): boolean {
  if (Array.isArray(value) && value.length > CHUNKED_FROM) return listChunks(nodes, opened, parent, value);
  const keys = Object.keys(value);
  return keys.every((key, i) => list(nodes, opened, member(parent, value, key, i, keys.length, parent.depth + 1)));
}

function listChunks(nodes: Node[], opened: Opened, parent: Entry, value: Json[]): boolean {
  const chunks = Math.ceil(value.length / CHUNK_SIZE);
  for (let chunk = 0; chunk < chunks; chunk += 1) {
    if (!listChunk(nodes, opened, parent, value, chunk, chunks)) return false;
  }
  return true;
}

function listChunk(nodes: Node[], opened: Opened, parent: Entry, value: Json[], chunk: number, chunks: number): boolean {
  if (nodes.length >= ROWS_OPEN_MAX) return false;
  const [start, end] = [chunk * CHUNK_SIZE, Math.min(value.length, (chunk + 1) * CHUNK_SIZE)];
  // No pointer holds a bare "~", so no member can have this id.
  const id = `${writePointer(parent.path)}~${chunk}`;
  const isOpen = opened.get(id) ?? chunk === 0;
  const about = { label: `${start} … ${end - 1}`, depth: parent.depth + 1, path: parent.path, container: null, key: "" };
  nodes.push({ ...about, id, value: undefined, isBranch: true, isOpen, position: chunk + 1, siblings: chunks });
  if (!isOpen) return true;
  const indexes = Array.from({ length: end - start }, (_, i) => String(start + i));
  return indexes.every((key, i) => list(nodes, opened, member(parent, value, key, i, end - start, parent.depth + 2)));
}

function member(parent: Entry, value: Container, key: string, i: number, siblings: number, depth: number): Entry {
  const path = [...parent.path, Array.isArray(value) ? Number(key) : key];
  const held = (value as Record<string, Json>)[key];
  return { label: key, depth, path, container: value, key, value: held, position: i + 1, siblings };
}
