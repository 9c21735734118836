/**
 * RFC 6902, applied in place.
 *
 * Strict: an operation that does not fit throws `PatchFailed`, and the document is then half changed. Its owner drops
 * it and takes a snapshot. Members are looked up as own properties only and made by definition, so `__proto__` and
 * `constructor` are keys like any other.
 */

import { same } from "./canonical.ts";
import { isContainer, isObject, type Container, type Json, type JsonObject } from "./json.ts";
import { BadPointer, parseIndex, parsePointer } from "./pointer.ts";

export class PatchFailed extends Error {}

export interface Operation {
  op: "add" | "remove" | "replace" | "move" | "copy" | "test";
  path: string;
  from?: string;
  value?: Json;
}

/** One place that changed. `container` is null when the whole document was replaced. */
export interface Touch {
  container: Container | null;
  key: string;
  before: Json | undefined;
  after: Json | undefined;
}

/** Apply all operations; return the new root and append what changed to `touched`. */
export function applyPatch(document: Json, operations: readonly Operation[], touched: Touch[]): Json {
  let root = document;
  try {
    for (const operation of operations) root = applyOne(root, operation, touched);
  } catch (error) {
    if (error instanceof BadPointer) throw new PatchFailed(error.message, { cause: error });
    throw error;
  }
  return root;
}

function applyOne(root: Json, operation: Operation, touched: Touch[]): Json {
  const path = parsePointer(operation.path);
  switch (operation.op) {
    case "add":
      return add(root, path, valueOf(operation), touched);
    case "remove":
      return remove(root, path, touched);
    case "replace":
      return replace(root, path, valueOf(operation), touched);
    case "move":
      return move(root, sourceOf(operation), path, touched);
    case "copy":
      return add(root, path, structuredClone(read(root, sourceOf(operation))), touched);
    case "test":
      if (!same(read(root, path), valueOf(operation))) throw new PatchFailed(`test failed at ${operation.path}`);
      return root;
    default:
      throw new PatchFailed(`unknown operation ${String(operation.op).slice(0, 20)}`);
  }
}

function add(root: Json, path: string[], value: Json, touched: Touch[]): Json {
  if (path.length === 0) return replaceRoot(root, value, touched);
  const { container, key } = place(root, path);
  if (!Array.isArray(container)) {
    touched.push({ container, key, before: member(container, key), after: value });
    setMember(container, key, value);
    return root;
  }
  const index = key === "-" ? container.length : parseIndex(key, container.length);
  container.splice(index, 0, value);
  touched.push({ container, key: String(index), before: undefined, after: value });
  return root;
}

function remove(root: Json, path: string[], touched: Touch[]): Json {
  if (path.length === 0) throw new PatchFailed("the whole document cannot be removed");
  const { container, key } = place(root, path);
  const before = existing(container, key);
  if (Array.isArray(container)) container.splice(Number(key), 1);
  else delete container[key];
  touched.push({ container, key, before, after: undefined });
  return root;
}

function replace(root: Json, path: string[], value: Json, touched: Touch[]): Json {
  if (path.length === 0) return replaceRoot(root, value, touched);
  const { container, key } = place(root, path);
  touched.push({ container, key, before: existing(container, key), after: value });
  // The member is there and its own, so plain assignment reaches it, whatever its name.
  (container as JsonObject)[key] = value;
  return root;
}

function move(root: Json, from: string[], path: string[], touched: Touch[]): Json {
  const value = read(root, from);
  const isInside = path.length > from.length && from.every((token, i) => token === path[i]);
  if (isInside) throw new PatchFailed("a value cannot be moved into itself");
  const isSame = path.length === from.length && from.every((token, i) => token === path[i]);
  return isSame ? root : add(remove(root, from, touched), path, value, touched);
}

function replaceRoot(before: Json, after: Json, touched: Touch[]): Json {
  touched.push({ container: null, key: "", before, after });
  return after;
}

function read(root: Json, path: readonly string[]): Json {
  let value = root;
  for (const token of path) {
    if (!isContainer(value)) throw new PatchFailed(`nothing below a plain value: ${token.slice(0, 80)}`);
    value = existing(value, token);
  }
  return value;
}

/** The container that holds the last token of a path. */
function place(root: Json, path: readonly string[]): { container: Container; key: string } {
  const container = read(root, path.slice(0, -1));
  if (!isContainer(container)) throw new PatchFailed("a plain value has no members");
  return { container, key: path.at(-1) as string };
}

function existing(container: Container, key: string): Json {
  if (Array.isArray(container)) return container[parseIndex(key, container.length - 1)] as Json;
  const value = member(container, key);
  if (value === undefined) throw new PatchFailed(`no member ${key.slice(0, 80)}`);
  return value;
}

function member(container: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(container, key) ? container[key] : undefined;
}

function setMember(container: JsonObject, key: string, value: Json): void {
  if (Object.hasOwn(container, key)) container[key] = value;
  else Object.defineProperty(container, key, { value, writable: true, enumerable: true, configurable: true });
}

function valueOf(operation: Operation): Json {
  if (operation.value === undefined) throw new PatchFailed(`${operation.op} without a value`);
  return operation.value;
}

function sourceOf(operation: Operation): string[] {
  if (operation.from === undefined) throw new PatchFailed(`${operation.op} without "from"`);
  return parsePointer(operation.from);
}

/** Narrow what came over the wire to operations; their content is checked as they are applied. */
export function isOperation(value: Json): boolean {
  if (!isObject(value) || typeof value["op"] !== "string" || typeof value["path"] !== "string") return false;
  return !Object.hasOwn(value, "from") || typeof value["from"] === "string";
}
