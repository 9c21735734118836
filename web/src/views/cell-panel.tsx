/** The value under the cursor: all of it, where it is, and what it was before. */

import { useSignal, type Signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Change } from "../api/types.ts";
import { cellText } from "../live/format.ts";
import type { Picked } from "../live/island.ts";
import { isContainer, type Json } from "../protocol/json.ts";
import { writePointer } from "../protocol/pointer.ts";
import { Since } from "../parts/since.tsx";
import { sourceAddress } from "../route.ts";
import { isNumeric } from "../state/series.ts";
import { readProblem, session } from "../state/session.ts";
import type { Watched } from "../state/watched.ts";

/** Painted at each change of it; a copy takes all. */
const SHOWN_MAX = 20_000;
const HISTORY_LENGTH = 20;
/** The cursor passes over cells on its way; only where it rests is history asked for. */
const SETTLED_MS = 300;

export function CellPanel({ watched, picked }: { watched: Watched; picked: Signal<Picked | null> }) {
  if (picked.value === null) return <p class="picked muted">Select a value to see all of it, its path and its history.</p>;
  const { path, value } = picked.value;
  const pointer = writePointer(path);
  return (
    <aside class="picked" aria-label="The selected value">
      <code class="path">{pointer || "(the whole document)"}</code>
      <p class="muted small">{kindOf(value)}</p>
      <Whole value={value} />
      {isNumeric(value) && <a href={sourceAddress(watched.replica.sourceId, "charts", pointer)}>Chart</a>}
      <History watched={watched} pointer={pointer} value={value} />
    </aside>
  );
}

/** Asked for again when the value is another one: then there is one more entry. */
function History({ watched, pointer, value }: { watched: Watched; pointer: string; value: Json | undefined }) {
  const found = useSignal<{ pointer: string; changes: Change[]; hasMore: boolean } | null>(null);
  const problem = useSignal("");
  const { sourceId } = watched.replica;
  // A container is the same object after each change inside it; its version says that it is not.
  const stamp = isContainer(value) ? watched.replica.version : value;
  useEffect(() => {
    let isWanted = true;
    const timer = setTimeout(async () => {
      try {
        const page = await session.value?.api.changes(sourceId, { path: pointer, limit: HISTORY_LENGTH });
        if (!isWanted || page === undefined) return;
        found.value = { pointer, changes: page.items, hasMore: Boolean(page.next) };
        problem.value = "";
      } catch (error) {
        if (isWanted) problem.value = readProblem(error).message;
      }
    }, SETTLED_MS);
    return () => {
      isWanted = false;
      clearTimeout(timer);
    };
  }, [sourceId, pointer, stamp]);
  const held = found.value?.pointer === pointer ? found.value : null;
  return (
    <section class="history" aria-label="History of this value" aria-busy={held === null}>
      <h2>History</h2>
      {problem.value && <p class="error">{problem.value}</p>}
      {held?.changes.length === 0 && <p class="muted small">Nothing is kept of this place.</p>}
      <ol>
        {held?.changes.map((change) => (
          <li key={`${change.incarnation}-${change.version}`}>
            <span class="was" data-kind={change.after?.exists ? undefined : "missing"}>{afterText(change)}</span>
            <span class="muted small"><Since atMs={change.at} /> · v{change.version}</span>
          </li>
        ))}
      </ol>
      {held?.hasMore && <a href={sourceAddress(sourceId, "changes", pointer)}>All changes of this place</a>}
    </section>
  );
}

function afterText({ after }: Change): string {
  if (!after) return "not known any more";
  return after.exists ? cellText(after.value) || "(empty text)" : "not there";
}

function kindOf(value: Json | undefined): string {
  if (value === undefined) return "not there";
  if (value === null) return "null";
  if (Array.isArray(value)) return "list";
  return typeof value === "bigint" ? "number" : typeof value;
}

function Whole({ value }: { value: Json | undefined }) {
  const text = value === undefined ? "(not there)" : typeof value === "string" ? value : spelled(value, "", SHOWN_MAX);
  const isCut = text.length > SHOWN_MAX;
  return (
    <>
      <pre tabIndex={0} aria-label="The value">{isCut ? `${text.slice(0, SHOWN_MAX)}…` : text}</pre>
      {isCut && <p class="muted small">The first {SHOWN_MAX.toLocaleString()} characters. Ctrl+C in the table or tree copies all of it.</p>}
    </>
  );
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
