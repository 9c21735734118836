/** The document as it is now: a table where it has one, a tree otherwise, and the value under the cursor beside it. */

import { useSignal, type Signal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { Grid } from "../live/grid.ts";
import type { Picked } from "../live/island.ts";
import { findTable } from "../live/table.ts";
import { Tree } from "../live/tree.ts";
import { Empty } from "../parts/empty.tsx";
import { IslandHost } from "../parts/island.tsx";
import type { Watched } from "../state/watched.ts";
import { CellPanel } from "./cell-panel.tsx";

type View = "table" | "tree";

export function LiveTab({ watched }: { watched: Watched }) {
  const view = useSignal<View | null>(null);
  const query = useSignal("");
  const picked = useSignal<Picked | null>(null);
  const note = useSignal("");
  void watched.news.value;
  const { phase, document, refusal } = watched.replica;
  const hasTable = useMemo(() => findTable(document) !== null, [document]);
  if (phase === "refused") return <Empty title="The server does not serve this source"><p>{refusal}</p></Empty>;
  if (phase === "empty") {
    return <Empty title="No data yet"><p>The first poll that succeeds puts its document here.</p></Empty>;
  }
  if (document === undefined) return phase === "deleted" ? <Empty title="This source was removed" /> : <Waiting />;
  const shown = view.value ?? (hasTable ? "table" : "tree");
  return (
    <div class="live">
      {phase === "deleted" && <p class="trouble" role="alert">This source was removed. What follows is its last document.</p>}
      <div class="bar">
        <div class="segments" role="group" aria-label="Show as">
          <Segment view={view} name="table" text="Table" isOn={shown === "table"} isOff={!hasTable} />
          <Segment view={view} name="tree" text="Tree" isOn={shown === "tree"} isOff={false} />
        </div>
        <input class="search" type="search" placeholder="Filter" aria-label="Show only rows with these words"
          value={query.value} onInput={(event) => (query.value = event.currentTarget.value)} />
        <p class="note" role="status">{note.value}</p>
      </div>
      <div class="beside" data-picked={picked.value === null ? undefined : ""}>
        <IslandHost make={shown === "table" ? Grid : Tree} watched={watched} query={query.value} label="Live data"
          picked={(now) => (picked.value = now)} noted={(text) => (note.value = text)} />
        <CellPanel watched={watched} picked={picked} />
      </div>
    </div>
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

function Waiting() {
  return (
    <div class="skeleton" aria-busy="true" aria-label="Waiting for the document">
      {[0, 1, 2, 3, 4, 5].map((i) => <div key={i} class="bone" />)}
    </div>
  );
}
