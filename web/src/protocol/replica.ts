/**
 * One source's document as this page holds it, and the client's whole rule for keeping it right.
 *
 * Other incarnation: resume. Version not above mine: drop. Base not above mine: apply the steps above mine. Base above
 * mine: resume. While a snapshot is on its way frames are held. An operation that fails: drop the document, take a
 * snapshot.
 */

import { Asker, type Ask } from "./asker.ts";
import type { Clock } from "./clock.ts";
import { ACCEPT } from "./gather.ts";
import type { Json } from "./json.ts";
import type { ClientFrame, Patch, Position, Refusal, Snapshot, SourceFrame, Status, Subscribed } from "./message.ts";
import { applyPatch, type Touch } from "./patch.ts";
import { Seen } from "./seen.ts";

const HELD_MAX = 256;

/** `empty`: the source has no data yet. `refused`: the server will not serve it; `refusal` says why. */
export type Phase = "waiting" | "live" | "empty" | "deleted" | "refused";

export interface ReplicaPorts {
  clock: Clock;
  random(): number;
  send(frame: ClientFrame): void;
  /** `touched` is null when the document is another one than before. */
  changed(touched: readonly Touch[] | null): void;
}

export class Replica {
  readonly sourceId: string;
  document: Json | undefined;
  incarnation = "";
  version = 0;
  /** When the server sent what is shown, ms since the epoch. */
  atMs = 0;
  phase: Phase = "waiting";
  refusal = "";
  status: Status | null = null;
  readonly seen = new Seen();
  private held: Patch[] = [];
  private readonly ports: ReplicaPorts;
  private readonly asker: Asker;

  constructor(sourceId: string, ports: ReplicaPorts) {
    this.sourceId = sourceId;
    this.ports = ports;
    this.asker = new Asker(ports.clock, () => ports.random(), (ask) => ports.send(this.request(ask)));
  }

  /** A connection is open, maybe a new one: say what is held and get what is missing. */
  opened(): void {
    this.asker.cut();
    this.asker.want(this.document === undefined ? "snapshot" : "subscribe");
  }

  /** The connection is gone, or this source is no longer of interest. */
  closed(): void {
    this.asker.cut();
  }

  receive(frame: SourceFrame): void {
    if (frame.type === "snapshot") this.take(frame);
    else if (frame.type === "patch") this.patch(frame);
    else if (frame.type === "subscribed") this.subscribed(frame);
    else if (frame.type === "status") this.tell(frame);
    else if (frame.type === "spoilt") this.spoilt();
    else if (frame.why === "deleted") this.deleted();
    else this.drop();
  }

  refused(error: Refusal): void {
    if (error.temporary) return this.asker.failed();
    this.asker.cut();
    this.phase = "refused";
    this.refusal = error.message;
    this.ports.changed([]);
  }

  private request(ask: Ask): ClientFrame {
    const { sourceId } = this;
    const position: Position = [this.incarnation, this.version];
    if (ask === "resume") return { action: "resume", positions: { [sourceId]: position } };
    const subscribe = { action: "subscribe", sourceId, mode: "patch", accept: ACCEPT } as const;
    return ask === "snapshot" ? subscribe : { ...subscribe, position };
  }

  private subscribed(frame: Subscribed): void {
    const isMine = this.document !== undefined && frame.incarnation === this.incarnation;
    const isCurrent = isMine && frame.version <= this.version;
    // Otherwise what is missing follows, and is the answer.
    if (!isCurrent && frame.version > 0) return;
    this.asker.answered();
    if (isCurrent) this.atMs = Math.max(this.atMs, frame.at);
    else this.forget("empty");
    this.ports.changed(isCurrent ? [] : null);
  }

  private take(frame: Snapshot): void {
    this.asker.answered();
    const isOld = frame.incarnation === this.incarnation && frame.version <= this.version;
    if (isOld && this.document !== undefined) return;
    this.document = frame.data;
    this.incarnation = frame.incarnation;
    this.version = frame.version;
    this.atMs = this.ports.clock.now();
    this.phase = "live";
    this.ports.changed(null);
    this.release();
  }

  private patch(frame: Patch): void {
    if (this.document === undefined) return this.hold(frame, "snapshot");
    if (frame.incarnation !== this.incarnation) return this.hold(frame, "resume");
    if (frame.version <= this.version) return;
    if (frame.base > this.version) return this.hold(frame, "resume");
    this.apply(frame, this.document);
  }

  private apply(frame: Patch, document: Json): void {
    const touched: Touch[] = [];
    try {
      this.document = this.advance(frame, document, touched);
    } catch {
      // Whatever did not fit, the remedy is the same: what is held can no longer be trusted.
      return this.drop();
    }
    this.atMs = frame.at;
    this.asker.answered();
    this.ports.changed(touched);
    this.release();
  }

  private advance(frame: Patch, document: Json, touched: Touch[]): Json {
    let reached = frame.base;
    for (const [version, operations] of frame.steps) {
      if (version > this.version) {
        if (reached !== this.version) throw new RangeError("a step does not start where the document is");
        const from = touched.length;
        document = applyPatch(document, operations, touched);
        this.version = version;
        this.seen.add(frame.incarnation, version, operations, touched.slice(from));
      }
      reached = version;
    }
    if (this.version !== frame.version) throw new RangeError("the steps do not lead to the frame's version");
    return document;
  }

  private hold(frame: Patch, ask: Ask): void {
    if (this.held.length >= HELD_MAX) {
      // The newest state will come from the server anyway; what is let go here shows as a gap and is asked for.
      this.held = [];
    }
    this.held.push(frame);
    this.asker.want(ask);
  }

  /** Apply what was held, in the order of versions; what still does not fit is held again. */
  private release(): void {
    const frames = this.held.sort((a, b) => a.version - b.version);
    this.held = [];
    for (const frame of frames) {
      if (frame.incarnation === this.incarnation) this.patch(frame);
      // Frames of another history cannot be kept: each later step would ask for them again.
      else this.asker.want("resume");
    }
  }

  private tell(frame: Status): void {
    this.status = frame;
    this.ports.changed([]);
  }

  private spoilt(): void {
    if (this.document === undefined) return this.asker.failed("snapshot");
    this.asker.failed("resume");
  }

  private drop(): void {
    this.forget("waiting");
    this.asker.failed("snapshot");
    this.ports.changed(null);
  }

  private deleted(): void {
    this.asker.cut();
    this.held = [];
    this.phase = "deleted";
    this.ports.changed([]);
  }

  private forget(phase: Phase): void {
    this.document = undefined;
    this.incarnation = "";
    this.version = 0;
    this.phase = phase;
  }
}
