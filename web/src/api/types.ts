/** What the HTTP API sends and takes. */

import type { Json } from "../protocol/json.ts";

export type State = "new" | "healthy" | "degraded" | "failing" | "dormant";

export interface SourceStatus {
  state: State;
  why: string;
  /** ms since the epoch; 0 before the first poll. */
  since: number;
  lastGood?: number | null;
  /** Its certificate ends within so many days, told in steps; absent while that is not near. */
  certificateDays?: number | null;
}

export interface Fields {
  name: string;
  description?: string;
  type: "external" | "googleSheet";
  dataFormat: "auto" | "json" | "xml";
  url: string;
  /** Seconds. */
  pollingInterval: number;
  headers?: Record<string, string>;
  auth?: { scheme: "header" | "query" | "basic" | "bearer"; name: string };
  selector?: string;
  ignore?: string[];
  unordered?: string[];
  tolerance?: number;
  /** Of a sheet only. */
  ranges?: string[];
  /** Of a sheet only: the first row names the columns. */
  header?: boolean;
  keyColumn?: string;
  tags?: string[];
}

export interface NewSource extends Fields {
  /** Write only: no answer ever holds it. */
  apiKey?: string;
  apiKeySecretId?: string;
}

/** Some fields anew; `apiKey: null` takes the key away. */
export type Patch = Partial<Omit<NewSource, "apiKey">> & { apiKey?: string | null; enabled?: boolean };

export interface Source extends Fields {
  id: string;
  enabled: boolean;
  revision: number;
  shard?: number;
  /** Whether there is a key, and which secret holds it. */
  apiKeySecretId?: string | null;
  createdAt?: string;
  status: SourceStatus;
  /** Of a sheet only: how often Google's quota lets it be read, in seconds; null where that is not known. */
  achievableInterval?: number | null;
  warnings?: Warning[];
}

export interface Summary extends Source {
  incarnation: string;
  version: number;
  /** ISO 8601; null without data. */
  changedAt: string | null;
}

/** A source in a file. */
export type Portable = { id?: string } & Partial<Fields>;

export interface Imported {
  created: number;
  unchanged: number;
  items: { index: number; outcome: "created" | "unchanged" | "refused"; errors: { field: string; message: string }[] }[];
}

export interface Warning {
  code: string;
  message: string;
}

/** What a registration would see. */
export interface Preview {
  ok: boolean;
  reason: string | null;
  why: string;
  http: { status?: number; url?: string; contentType?: string; conditional?: string | null } | null;
  timing: { firstMs: number | null; secondMs: number | null };
  format: "json" | "xml" | null;
  /** Bytes. */
  size: { wire: number; decoded: number; document: number } | null;
  document: { at: string; count: number; columns: string[]; rows: Json[]; cut: boolean } | null;
  volatile: { pointer: string; looksLike: string; count: number }[];
  suggested: { ignore?: string[] };
  warnings: Warning[];
}

export interface Operation {
  op: "add" | "remove" | "replace" | "move" | "copy" | "test";
  path: string;
  from?: string;
  value?: Json;
}

export interface Change {
  incarnation: string;
  version: number;
  /** ms since the epoch. */
  at: number;
  bytes: number;
  /** null: what led here is not kept. */
  ops: Operation[] | null;
  /** Where a path was asked for: what that place held then; null is not known. */
  after?: { exists: boolean; value?: Json } | null;
}

export interface Point {
  /** Start of the bucket, ms since the epoch. */
  at: number;
  count: number;
  min: number;
  max: number;
  mean: number;
  last: number;
  heldMs: number;
}

export interface Series {
  /** Seconds. */
  bucket: number;
  from: number;
  to: number;
  points: Point[];
  next?: number | null;
}

export interface Worker {
  id: string;
  state: string;
  release?: string;
  deadBy?: string | null;
  startedAt?: string | null;
  /** ISO 8601; null before the first heartbeat. */
  beatAt: string | null;
  beatAgeMs?: number | null;
  owned: number;
  /** ms of work per second. */
  load: number;
  /** How late its oldest due poll is. */
  overdueMs: number;
  /** Polls had to wait within the last seconds: it polls less often than it was asked to. */
  overloaded: boolean;
  /** Since it started: all, those that failed, and those that it could not finish for a trouble of our own. */
  polls: { polls: number; failed: number; troubled: number };
}

export interface Move {
  shard: number;
  /** ISO 8601. */
  at: string;
  why: "free" | "dead" | "plan" | "drain";
  from: string | null;
  to: string | null;
  epoch: number;
}

export interface FleetKind {
  shards: number;
  tasks: { desired: number; running: number; pending: number } | null;
  workers: Worker[];
  /** By shard number: the worker that owns it. */
  owners: Record<string, string>;
  epochs: Record<string, number>;
  moves: Move[];
}

/** A document's text and where it stands; the text may say instead where the document is stored. */
export interface Document {
  text: string;
  incarnation: string;
  version: number;
  hash: string;
}

export interface Fleet {
  kinds: Record<string, FleetKind>;
}
