/** Joining chunks: the parts of one frame, in any order, within bounds. */

import { BadFrame } from "./message.ts";
import type { JsonObject } from "./json.ts";

const PARTS_MAX = 256;
const JOINED_LENGTH_MAX = 32 * 1024 * 1024;
const UNFINISHED_MAX = 16;

interface Unfinished {
  parts: (string | undefined)[];
  missing: number;
  length: number;
}

export class Chunks {
  private readonly unfinished = new Map<string, Unfinished>();

  /** Take one chunk; returns the whole text with the last one. */
  take(chunk: JsonObject): string | null {
    const { id, i, n, data } = chunk;
    if (typeof id !== "string" || typeof data !== "string") throw new BadFrame("a chunk without id or data");
    if (!isCount(n, 1, PARTS_MAX) || !isCount(i, 0, n - 1)) throw new BadFrame("a chunk out of its range");
    let frame = this.unfinished.get(id) ?? this.begin(id, n);
    // A name may be used again (a snapshot and a patch to the same version): what contradicts begins a new frame.
    if (frame.parts.length !== n || (frame.parts[i] ?? data) !== data) frame = this.begin(id, n);
    this.keep(frame, i, data);
    if (frame.missing > 0) return null;
    this.unfinished.delete(id);
    return frame.parts.join("");
  }

  private begin(id: string, n: number): Unfinished {
    this.unfinished.delete(id);
    if (this.unfinished.size >= UNFINISHED_MAX) {
      // Parts are sent one after another, so the oldest frame is the one that lost a part on the way.
      this.unfinished.delete(this.unfinished.keys().next().value as string);
    }
    const frame = { parts: new Array<string | undefined>(n), missing: n, length: 0 };
    this.unfinished.set(id, frame);
    return frame;
  }

  private keep(frame: Unfinished, i: number, data: string): void {
    if (frame.parts[i] !== undefined) return;
    frame.parts[i] = data;
    frame.missing -= 1;
    frame.length += data.length;
    if (frame.length > JOINED_LENGTH_MAX) throw new BadFrame(`chunks of more than ${JOINED_LENGTH_MAX} characters`);
  }
}

function isCount(value: unknown, least: number, most: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most;
}
