/** Requests that go out together: all that say what is held become one `resume`, as after a reconnect. */

import type { ClientFrame, Position } from "./message.ts";

export const ACCEPT = ["gzip", "chunk"] as const;
const SOURCES_MAX = 128;

/** One `resume` of two or more frames with positions, before all others; it makes a new connection's subscriptions too. */
export function gathered(asked: readonly ClientFrame[]): ClientFrame[] {
  const held = new Map<string, Position>();
  const other: ClientFrame[] = [];
  let alone: ClientFrame | null = null;
  for (const frame of asked) {
    const positions = positionsOf(frame);
    if (positions.length > 0) alone = frame;
    else other.push(frame);
    for (const [sourceId, position] of positions) held.set(sourceId, position);
  }
  if (alone !== null && held.size === 1) return [alone, ...other];
  return [...resumes([...held]), ...other];
}

function positionsOf(frame: ClientFrame): [string, Position][] {
  if (frame.action === "resume") return Object.entries(frame.positions);
  return frame.action === "subscribe" && frame.position !== undefined ? [[frame.sourceId, frame.position]] : [];
}

function resumes(held: readonly (readonly [string, Position])[]): ClientFrame[] {
  const frames: ClientFrame[] = [];
  for (let start = 0; start < held.length; start += SOURCES_MAX) {
    const positions = Object.fromEntries(held.slice(start, start + SOURCES_MAX));
    frames.push({ action: "resume", positions, mode: "patch", accept: ACCEPT });
  }
  return frames;
}
