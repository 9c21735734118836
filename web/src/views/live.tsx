/** The document as it is now: a table where it has one, a tree otherwise, and the value under the cursor beside it. */

import { signal, useSignal, type Signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { visible } from "../live/format.ts";
import { Grid } from "../live/grid.ts";
import type { Picked } from "../live/island.ts";
import { Kept } from "../live/kept.ts";
import { findTable } from "../live/table.ts";
import { Tree } from "../live/tree.ts";
import { Empty } from "../parts/empty.tsx";
import { IslandHost } from "../parts/island.tsx";
import { Skeleton } from "../parts/skeleton.tsx";
import { Since } from "../parts/since.tsx";
import { useKeys } from "../parts/keys.ts";
import { sentence } from "../state/interval.ts";
import { WINDOWS } from "../state/series.ts";
import type { Watched } from "../state/watched.ts";
import { CellPanel } from "./cell-panel.tsx";

type View = "table" | "tree";

const FROZEN_MAX = 3;
const NAMED_MAX = 5;

/** How the reader wants to see a source, on whichever part of its page they are. */
export class Look {
  readonly view = signal<View | null>(null);
  readonly query = signal("");
  readonly frozen = signal(0);
  readonly hasFilters = signal(false);
  /** How far back its charts go. */
  readonly windowMs = signal<number>(WINDOWS[1].ms);
  readonly kept = new Kept();
}

export function LiveTab({ watched, look }: { watched: Watched; look: Look }) {
  const { view, query, frozen, hasFilters, kept } = look;
  const picked = useSignal<Picked | null>(null);
  const note = useSignal("");
  const agedAtMs = useSignal<number | null>(null);
  const arranged = useSignal(0);
  const reshaped = useSignal("");
  void watched.news.value;
  const { phase, refusal } = watched.replica;
  const document = watched.shown;
  useEffect(() => () => watched.hold(false), [watched]);
  useKeys({ " ": () => watched.hold(watched.waiting.value === null), r: () => (arranged.value += 1) });
  const hasTable = useMemo(() => findTable(document) !== null, [document]);
  if (phase === "refused") return <Empty title="The server does not serve this source"><p>{sentence(refusal)}</p></Empty>;
  if (phase === "empty") {
    return <Empty title="No data yet"><p>The first poll that succeeds puts its document here.</p></Empty>;
  }
  if (document === undefined) return phase === "deleted" ? <Empty title="This source was removed" /> : <Skeleton label="Waiting for the document" bones={6} />;
  const shown = view.value ?? (hasTable ? "table" : "tree");
  return (
    <div class="live">
      {phase === "deleted" && <p class="trouble" role="alert">This source was removed. What follows is its last document.</p>}
      {reshaped.value && (
        <p class="trouble" role="status">
          {reshaped.value} <button type="button" class="inline" onClick={() => (reshaped.value = "")}>Dismiss</button>
        </p>
      )}
      <div class="bar">
        <div class="segments" role="group" aria-label="Show as">
          <Segment view={view} name="table" text="Table" isOn={shown === "table"} isOff={!hasTable} />
          <Segment view={view} name="tree" text="Tree" isOn={shown === "tree"} isOff={false} />
        </div>
        <input class="search" type="search" placeholder="Filter" aria-label="Show only rows with these words"
          value={query.value} onInput={(event) => (query.value = event.currentTarget.value)} />
        {shown === "table" && (
          <>
            <button type="button" aria-pressed={hasFilters.value} onClick={() => (hasFilters.value = !hasFilters.value)}>Filter columns</button>
            <select aria-label="Columns that stay in view" value={frozen.value}
              onChange={(event) => (frozen.value = Number(event.currentTarget.value))}>
              {Array.from({ length: FROZEN_MAX + 1 }, (_, i) => <option key={i} value={i}>{i === 0 ? "No column frozen" : `${i} frozen`}</option>)}
            </select>
          </>
        )}
        <Hold watched={watched} />
        {watched.isRenewing && <p class="held" role="status">Taking a fresh copy…</p>}
        {agedAtMs.value !== null && (
          <button type="button" class="inline" title="R" onClick={() => (arranged.value += 1)}>Order from <Since atMs={agedAtMs.value} />: sort again</button>
        )}
        <p class="note" role="status">{note.value}</p>
      </div>
      <div class="beside" data-picked={picked.value === null ? undefined : ""}>
        <IslandHost make={shown === "table" ? Grid : Tree} watched={watched} label="Live data" kept={kept} arranged={arranged.value}
          look={{ query: query.value, frozen: frozen.value, hasFilters: hasFilters.value }}
          picked={(now) => (picked.value = now)} noted={(text) => (note.value = text)}
          reshaped={(added, removed) => (reshaped.value = reshapedText(added, removed))} aged={(atMs) => (agedAtMs.value = atMs)} />
        <CellPanel watched={watched} picked={picked} />
      </div>
    </div>
  );
}

function reshapedText(added: readonly string[], removed: readonly string[]): string {
  const parts = [["added", added], ["removed", removed]] as const;
  return `Columns changed: ${parts.filter(([, keys]) => keys.length > 0).map(([what, keys]) => `${what} ${named(keys)}`).join("; ")}.`;
}

function named(keys: readonly string[]): string {
  const more = keys.length - NAMED_MAX;
  return keys.slice(0, NAMED_MAX).map((key) => visible(key)).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

/** Hold what is shown still to read it; nothing is missed meanwhile. */
function Hold({ watched }: { watched: Watched }) {
  const waiting = watched.waiting.value;
  if (waiting === null) return <button type="button" title="Space" onClick={() => watched.hold(true)}>Pause</button>;
  return (
    <>
      <button type="button" class="primary" title="Space" onClick={() => watched.hold(false)}>Resume</button>
      <p class="held"><span role="status">Paused by you</span>: {waiting === 1 ? "1 change waits" : `${waiting} changes wait`}.</p>
    </>
  );
}

function Segment({ view, name, text, isOn, isOff }: { view: Signal<View | null>; name: View; text: string; isOn: boolean; isOff: boolean }) {
  const title = isOff ? "This document has no list of records" : undefined;
  return (
    <button type="button" aria-pressed={isOn} disabled={isOff} title={title} onClick={() => (view.value = name)}>
      {text}
    </button>
  );
}
