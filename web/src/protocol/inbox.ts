/**
 * From the texts of one connection to whole, checked frames, in the order they came.
 *
 * Chunks are joined, payloads unpacked, references fetched and snapshots held against their hash. What cannot be read
 * for a known source becomes a `spoilt` frame, so that its replica takes a new snapshot; the rest is reported.
 */

import { Chunks } from "./chunks.ts";
import { hashOf } from "./canonical.ts";
import { gunzipBase64 } from "./gunzip.ts";
import { isObject, parseJson, type Json, type JsonObject } from "./json.ts";
import { BadFrame, readFrame, type Ref, type ServerFrame, type Snapshot } from "./message.ts";

/** Far more than a burst; beyond it the page cannot keep up and the link starts again. */
const WAITING_MAX = 4_096;

/** The API's answer: a document, or where it is stored. The source may have moved on since the `ref`: headers say. */
export interface Answer {
  text: string;
  incarnation: string;
  version: number;
  hash: string;
}

export interface InboxPorts {
  deliver(frame: ServerFrame): void;
  /** Ask the HTTP API for a document, with this page's token; `path` is what a `ref` names. */
  fetchDocument(path: string): Promise<Answer>;
  /** Fetch the text of a stored body from a signed address, which must not see the token. */
  fetchBody(url: string): Promise<string>;
  report(problem: unknown): void;
  /** False where the page has no `crypto.subtle` (a plain-http address that is not this machine). */
  canHash: boolean;
}

export class Inbox {
  private readonly ports: InboxPorts;
  private readonly chunks = new Chunks();
  private line: Promise<void> = Promise.resolve();
  private waiting = 0;

  constructor(ports: InboxPorts) {
    this.ports = ports;
  }

  /** Take a text; false when too many wait already. */
  take(text: string): boolean {
    if (this.waiting >= WAITING_MAX) return false;
    this.waiting += 1;
    this.line = this.line.then(() => this.handle(text)).finally(() => (this.waiting -= 1));
    return true;
  }

  /** Resolves when everything taken so far was delivered. */
  async drained(): Promise<void> {
    await this.line;
  }

  private async handle(text: string): Promise<void> {
    let sourceId = "";
    try {
      const value = this.whole(parseJson(text));
      if (value === null) return;
      sourceId = sourceOf(value);
      this.deliver(await this.finish(readFrame(await unpack(value))));
    } catch (error) {
      this.ports.report(error);
      if (sourceId) this.deliver({ type: "spoilt", sourceId, why: String(error) });
    }
  }

  private deliver(frame: ServerFrame | null): void {
    if (frame !== null) this.ports.deliver(frame);
  }

  private whole(value: Json): Json {
    if (!isObject(value) || value["type"] !== "chunk") return value;
    const joined = this.chunks.take(value);
    return joined === null ? null : parseJson(joined);
  }

  private async finish(frame: ServerFrame | null): Promise<ServerFrame | null> {
    if (frame?.type === "ref") return this.check(await this.follow(frame));
    return frame?.type === "snapshot" ? this.check(frame) : frame;
  }

  private async follow(ref: Ref): Promise<Snapshot> {
    const { text, ...about } = await this.ports.fetchDocument(ref.url);
    const found = parseJson(text);
    const stored = storedAt(found, about.hash);
    const data = stored === null ? found : parseJson(await this.ports.fetchBody(stored));
    return { type: "snapshot", sourceId: ref.sourceId, ...about, data };
  }

  private async check(snapshot: Snapshot): Promise<Snapshot> {
    if (this.ports.canHash && (await hashOf(snapshot.data)) !== snapshot.hash) {
      throw new BadFrame("the snapshot does not have its hash");
    }
    return snapshot;
  }
}

/** Put a compressed payload back in its field. */
async function unpack(value: Json): Promise<Json> {
  if (!isObject(value) || value["encoding"] === undefined) return value;
  const { encoding, data, ...rest } = value;
  const field = rest["type"] === "snapshot" ? "data" : rest["type"] === "patch" ? "steps" : null;
  if (encoding !== "gzip+base64" || typeof data !== "string" || field === null) {
    throw new BadFrame("an unknown encoding");
  }
  return { ...rest, [field]: parseJson(await gunzipBase64(data)) } satisfies JsonObject;
}

/** Where a document too large for an answer is stored; no document holds its own hash. */
function storedAt(found: Json, hash: string): string | null {
  const ref = isObject(found) ? found["ref"] : undefined;
  if (ref === undefined || !isObject(ref) || ref["hash"] !== hash) return null;
  return typeof ref["url"] === "string" ? ref["url"] : null;
}

function sourceOf(value: Json): string {
  const sourceId = isObject(value) ? value["sourceId"] : undefined;
  return typeof sourceId === "string" ? sourceId : "";
}
