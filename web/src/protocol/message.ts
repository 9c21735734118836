/**
 * The frames of a connection: their types, and the checks that a text from the network must pass to be one.
 *
 * `at` and `since` are milliseconds since the epoch. A position is `[incarnation, version]`.
 */

import { isObject, type Json, type JsonObject } from "./json.ts";
import { isOperation, type Operation } from "./patch.ts";

export type Position = readonly [incarnation: string, version: number];
export type Step = readonly [version: number, operations: Operation[]];

export type ClientFrame =
  | { action: "subscribe"; sourceId: string; mode: "patch"; accept: readonly string[]; position?: Position }
  | { action: "unsubscribe"; sourceId: string }
  | { action: "resume"; positions: Record<string, Position>; mode?: "patch"; accept?: readonly string[] }
  | { action: "auth"; ticket: string }
  | { action: "ping" };

export interface Snapshot {
  type: "snapshot";
  sourceId: string;
  incarnation: string;
  version: number;
  hash: string;
  data: Json;
}
export interface Patch {
  type: "patch";
  sourceId: string;
  incarnation: string;
  base: number;
  version: number;
  steps: Step[];
  at: number;
}
export interface Subscribed {
  type: "subscribed";
  sourceId: string;
  incarnation: string;
  version: number;
  at: number;
}
export interface Ref {
  type: "ref";
  sourceId: string;
  incarnation: string;
  version: number;
  url: string;
  bytes: number;
  hash: string;
}
export interface Status {
  type: "status";
  sourceId: string;
  state: string;
  why: string;
  since: number;
  at: number;
}
export interface Reset {
  type: "reset";
  sourceId: string;
  why: "deleted" | "history" | "gap";
}
export interface Refusal {
  type: "error";
  code: string;
  message: string;
  temporary: boolean;
  sourceId?: string;
}
/** A body that did not arrive whole, or not as it was sent; made by the inbox, never sent. */
export interface Spoilt {
  type: "spoilt";
  sourceId: string;
  why: string;
}
export type SourceFrame = Snapshot | Patch | Subscribed | Status | Reset | Spoilt;
export type ServerFrame = SourceFrame | Ref | Refusal | { type: "pong" };

export class BadFrame extends Error {}

const CONNECT_AGAIN: readonly string[] = ["unknown_connection", "forbidden"];

/** Whether only another connection can help: the service gave this one up, or its right has ended. */
export function isAboutConnection(error: Refusal): boolean {
  return CONNECT_AGAIN.includes(error.code);
}

/** Check a frame; null for one of a type this page does not know, or of the gateway itself. */
export function readFrame(value: Json): ServerFrame | null {
  if (!isObject(value)) throw new BadFrame("a frame is an object");
  const read = READERS[String(value["type"])];
  return read === undefined ? null : read(value);
}

type Reader = (frame: JsonObject) => ServerFrame;

const READERS: Readonly<Record<string, Reader>> = Object.assign(Object.create(null), {
  subscribed: (f) => ({ type: "subscribed", ...head(f), at: whole(f, "at") }),
  snapshot: (f) => ({ type: "snapshot", ...head(f), hash: text(f, "hash"), data: present(f, "data") }),
  patch: (f) => ({ type: "patch", ...head(f), base: whole(f, "base"), steps: steps(f), at: whole(f, "at") }),
  ref: (f) => ({ type: "ref", ...head(f), url: text(f, "url"), bytes: whole(f, "bytes"), hash: text(f, "hash") }),
  status: (f) => ({
    type: "status",
    sourceId: text(f, "sourceId"),
    state: text(f, "state"),
    why: text(f, "why"),
    since: whole(f, "since"),
    at: whole(f, "at"),
  }),
  reset: (f) => ({ type: "reset", sourceId: text(f, "sourceId"), why: resetReason(f) }),
  error: (f) => ({
    type: "error",
    code: text(f, "code"),
    message: text(f, "message"),
    temporary: f["temporary"] === true,
    ...(typeof f["sourceId"] === "string" ? { sourceId: f["sourceId"] } : {}),
  }),
  pong: () => ({ type: "pong" }),
} satisfies Record<string, Reader>);

function head(frame: JsonObject) {
  return {
    sourceId: text(frame, "sourceId"),
    incarnation: text(frame, "incarnation"),
    version: whole(frame, "version"),
  };
}

function steps(frame: JsonObject): Step[] {
  const value = frame["steps"];
  if (!Array.isArray(value) || !value.every(isStep)) throw new BadFrame("steps is not a list of steps");
  return value as unknown as Step[];
}

function isStep(value: Json): boolean {
  if (!Array.isArray(value) || value.length !== 2) return false;
  const [version, operations] = value;
  return Number.isSafeInteger(version) && Array.isArray(operations) && operations.every(isOperation);
}

function resetReason(frame: JsonObject): Reset["why"] {
  const why = frame["why"];
  if (why === "deleted" || why === "history" || why === "gap") return why;
  throw new BadFrame("a reset for no known reason");
}

function text(frame: JsonObject, field: string): string {
  const value = frame[field];
  if (typeof value !== "string") throw new BadFrame(`${field} is not a text`);
  return value;
}

function whole(frame: JsonObject, field: string): number {
  const value = frame[field];
  if (!Number.isSafeInteger(value)) throw new BadFrame(`${field} is not a whole number`);
  return value as number;
}

function present(frame: JsonObject, field: string): Json {
  const value = frame[field];
  if (value === undefined) throw new BadFrame(`${field} is missing`);
  return value;
}
