/** The value under the cursor, whole, with its place in the document. */

import type { Signal } from "@preact/signals";
import type { Picked } from "../live/island.ts";
import { isContainer, type Json } from "../protocol/json.ts";
import { writePointer } from "../protocol/pointer.ts";

const SHOWN_MAX = 4_000;

export function PickedBar({ picked }: { picked: Signal<Picked | null> }) {
  if (picked.value === null) return <p class="picked muted">Select a value to see all of it and its path.</p>;
  const { path, value } = picked.value;
  return (
    <div class="picked">
      <code class="path">{writePointer(path) || "/"}</code>
      <pre>{whole(value)}</pre>
    </div>
  );
}

function whole(value: Json | undefined): string {
  if (value === undefined) return "(not there)";
  const text = typeof value === "string" ? value : spelled(value, "", SHOWN_MAX);
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text;
}

/** JSON over several lines that stops when it is long enough: the value may be the whole document, at each frame. */
function spelled(value: Json, indent: string, room: number): string {
  if (!isContainer(value)) return typeof value === "bigint" ? String(value) : JSON.stringify(value);
  const isList = Array.isArray(value);
  const inner = `${indent}  `;
  let text = isList ? "[" : "{";
  for (const key of Object.keys(value)) {
    if (text.length > room) return text;
    const item = spelled((value as Record<string, Json>)[key] as Json, inner, room - text.length);
    text += `${text.length > 1 ? "," : ""}\n${inner}${isList ? "" : `${JSON.stringify(key)}: `}${item}`;
  }
  return text + (text.length > 1 ? `\n${indent}` : "") + (isList ? "]" : "}");
}
