/** All sources: what needs a look first. */

import { useEffect, useRef, useState } from "preact/hooks";
import type { Summary } from "../api/types.ts";
import { Empty, Trouble } from "../parts/empty.tsx";
import { later } from "../parts/later.tsx";
import { Since } from "../parts/since.tsx";
import { StateBadge } from "../parts/state-badge.tsx";
import { sourceAddress } from "../route.ts";
import { choose, chosen, counts, only, search, shown, sources } from "../state/sources.ts";
import { standing, WORDS, type Standing } from "../state/standing.ts";
import { BulkBar } from "./bulk-bar.tsx";
import { Remove } from "./remove.tsx";

const AddSource = later(async () => (await import("./add-source.tsx")).AddSource);

const SHOWN_FIRST = 200;
const CHIPS: readonly Standing[] = ["failing", "degraded", "waiting", "paused"];

export function SourcesPage() {
  const [isAdding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<Summary | null>(null);
  useEffect(() => sources.start(), []);
  const all = sources.value.value;
  const problem = sources.problem.value;
  return (
    <>
      <div class="page-head">
        <h1>Sources{all && <span class="count">{all.length}</span>}</h1>
        <SearchBox />
        <button type="button" class="primary" onClick={() => setAdding(true)}>Add source</button>
      </div>
      <Chips />
      <BulkBar />
      {problem && <Trouble title="The list could not be refreshed." why={problem.message} retry={() => void sources.refresh()} />}
      <List add={() => setAdding(true)} remove={setRemoving} />
      {isAdding && <AddSource onClose={() => setAdding(false)} />}
      {removing && <Remove source={removing} onClose={() => setRemoving(null)} />}
    </>
  );
}

function SearchBox() {
  const box = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const focus = (event: KeyboardEvent) => {
      const isTyping = (event.target as HTMLElement).closest("input, textarea, select, dialog") !== null;
      if (event.key !== "/" || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      box.current?.focus();
    };
    addEventListener("keydown", focus);
    return () => removeEventListener("keydown", focus);
  }, []);
  return (
    <input
      ref={box}
      class="search"
      type="search"
      placeholder="Search  /"
      aria-label="Search sources by name, address or tag"
      value={search.value}
      onInput={(event) => (search.value = event.currentTarget.value)}
    />
  );
}

function Chips() {
  const used = CHIPS.filter((kind) => counts.value.has(kind) || only.value === kind);
  if (used.length === 0) return null;
  return (
    <div class="chips" role="group" aria-label="Show only">
      <Chip kind="all" text="All" />
      {used.map((kind) => <Chip key={kind} kind={kind} text={`${WORDS[kind]} ${counts.value.get(kind) ?? 0}`} />)}
    </div>
  );
}

function Chip({ kind, text }: { kind: Standing | "all"; text: string }) {
  return (
    <button type="button" class="chip" aria-pressed={only.value === kind} onClick={() => (only.value = kind)}>
      {text}
    </button>
  );
}

function List({ add, remove }: { add(): void; remove(source: Summary): void }) {
  const [limit, setLimit] = useState(SHOWN_FIRST);
  const all = sources.value.value;
  if (all === null) return sources.problem.value ? null : <Skeleton />;
  if (all.length === 0) {
    return (
      <Empty title="No sources yet">
        <p>Add the address of a JSON or XML feed, and every change in it appears here as it happens.</p>
        <button type="button" class="primary" onClick={add}>Add the first source</button>
      </Empty>
    );
  }
  if (shown.value.length === 0) {
    return (
      <Empty title="No source matches">
        <button type="button" onClick={() => ((search.value = ""), (only.value = "all"))}>Clear filters</button>
      </Empty>
    );
  }
  return (
    <>
      <table class="list">
        <thead>
          <tr><th class="tick"><ChooseAll /></th><th>Source</th><th>State</th><th>Kind</th><th>Last change</th><th class="end">Polled every</th><th><span class="unseen">Actions</span></th></tr>
        </thead>
        <tbody>
          {shown.value.slice(0, limit).map((source) => <Row key={source.id} source={source} remove={remove} />)}
        </tbody>
      </table>
      {shown.value.length > limit && (
        <button type="button" class="more" onClick={() => setLimit(limit + SHOWN_FIRST)}>
          Show more ({shown.value.length - limit} left)
        </button>
      )}
    </>
  );
}

function Row({ source, remove }: { source: Summary; remove(source: Summary): void }) {
  const isTrouble = ["failing", "degraded"].includes(standing(source));
  return (
    <tr data-chosen={chosen.value.has(source.id) ? "" : undefined}>
      <td class="tick">
        <input type="checkbox" aria-label={`Choose ${source.name}`} checked={chosen.value.has(source.id)}
          onChange={(event) => choose([source.id], event.currentTarget.checked)} />
      </td>
      <td class="name">
        <a href={sourceAddress(source.id)}>{source.name}</a>
        <span class="address" title={source.url}>{source.url}</span>
      </td>
      <td data-label="State">
        <StateBadge source={source} />
        {isTrouble && <span class="why" title={source.status.why}>{source.status.why} (<Since atMs={source.status.since} />)</span>}
      </td>
      <td data-label="Kind">{kindOf(source)}</td>
      <td data-label="Last change">
        <Since atMs={source.changedAt === null ? null : Date.parse(source.changedAt)} none="no data yet" />
      </td>
      <td data-label="Polled every" class="end">{source.pollingInterval} s</td>
      <td class="end">
        <button type="button" class="quiet icon" aria-label={`Remove ${source.name}`} title="Remove" onClick={() => remove(source)}>
          <span aria-hidden="true">✕</span>
        </button>
      </td>
    </tr>
  );
}

/** Chooses what is shown: what a filter hides is never part of a deed that nobody sees. */
function ChooseAll() {
  const ids = shown.value.map(({ id }) => id);
  const count = ids.filter((id) => chosen.value.has(id)).length;
  return (
    <input type="checkbox" aria-label="Choose all that are shown" checked={count > 0 && count === ids.length}
      indeterminate={count > 0 && count < ids.length} onChange={(event) => choose(ids, event.currentTarget.checked)} />
  );
}

function kindOf({ type, dataFormat }: Summary): string {
  if (type === "googleSheet") return "Google Sheet";
  return dataFormat === "auto" ? "Auto" : dataFormat.toUpperCase();
}

function Skeleton() {
  return (
    <div class="skeleton" aria-busy="true" aria-label="Loading the sources">
      {[0, 1, 2, 3].map((i) => <div key={i} class="bone" />)}
    </div>
  );
}
