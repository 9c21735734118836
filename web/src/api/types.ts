/** What the HTTP API sends and takes. */

export type State = "new" | "healthy" | "degraded" | "failing" | "dormant";

export interface SourceStatus {
  state: State;
  why: string;
  /** ms since the epoch; 0 before the first poll. */
  since: number;
  lastGood?: number | null;
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
  keyColumn?: string;
  tags?: string[];
}

export interface NewSource extends Fields {
  /** Write only: no answer ever holds it. */
  apiKey?: string;
}

export interface Source extends Fields {
  id: string;
  enabled: boolean;
  status: SourceStatus;
}

export interface Summary extends Source {
  version: number;
  /** ISO 8601; null without data. */
  changedAt: string | null;
}

export interface Worker {
  id: string;
  state: string;
  /** ISO 8601; null before the first heartbeat. */
  beatAt: string | null;
  owned: number;
  load: number;
  /** How late its oldest due poll is. */
  overdueMs: number;
}

export interface FleetKind {
  shards: number;
  workers: Worker[];
  /** By shard number: the worker that owns it. */
  owners: Record<string, string>;
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
