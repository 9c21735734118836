/** All sources: what needs a look first. */

import { useEffect, useRef, useState } from "preact/hooks";
import type { Summary } from "../api/types.ts";
import { Empty, Trouble } from "../parts/empty.tsx";
import { later } from "../parts/later.tsx";
import { hasLetters, useKeys } from "../parts/keys.ts";
import { Skeleton } from "../parts/skeleton.tsx";
import { Since } from "../parts/since.tsx";
import { Spark } from "../parts/spark.tsx";
import { StateBadge } from "../parts/state-badge.tsx";
import { sourceAddress } from "../route.ts";
import { ACTIVITY_MIN } from "../state/activity.ts";
import { nowMs } from "../state/clock.ts";
import { owners } from "../state/fleet.ts";
import { capital, interval } from "../state/interval.ts";
import { readProblem, session } from "../state/session.ts";
import { activity, choose, chosen, counts, groups, isCut, isGrouped, only, search, shown, sources, stale } from "../state/sources.ts";
import { RANK, remark, standing, WORDS, type Standing } from "../state/standing.ts";
import { BulkBar } from "./bulk-bar.tsx";
import { Remove } from "./remove.tsx";

const AddSource = later(async () => (await import("./add-source.tsx")).AddSource);
const ImportSources = later(async () => (await import("./import.tsx")).ImportSources);

const SHOWN_FIRST = 200;
const COLUMNS = 9;
const OVER = `in the last ${ACTIVITY_MIN} min, as far as this page was open`;
const CHIPS: readonly Standing[] = ["failing", "degraded", "waiting", "paused"];

export function SourcesPage() {
  const [isAdding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<Summary | null>(null);
  const [isImporting, setImporting] = useState(false);
  useEffect(() => sources.start(), []);
  useEffect(() => owners.start(), []);
  useKeys({ n: () => setAdding(true) });
  const all = sources.value.value;
  const problem = sources.problem.value;
  return (
    <>
      <div class="page-head">
        <h1>Sources{all && <span class="count">{all.length}</span>}</h1>
        <SearchBox />
        <button type="button" class="primary" onClick={() => setAdding(true)}>Add source</button>
      </div>
      <div class="tools">
        <Chips />
        <Tools importing={() => setImporting(true)} />
      </div>
      <BulkBar />
      {problem && <Trouble title="The list could not be refreshed." why={problem.message} asOfMs={sources.atMs} retry={() => void sources.refresh()} />}
      {isCut.value && <p class="trouble" role="status">There are more than {all?.length.toLocaleString()} sources: those after them are not shown here. Nothing else depends on that.</p>}
      <List add={() => setAdding(true)} remove={setRemoving} />
      {isAdding && <AddSource onClose={() => setAdding(false)} />}
      {isImporting && <ImportSources onClose={() => setImporting(false)} />}
      {removing && <Remove source={removing} onClose={() => setRemoving(null)} />}
    </>
  );
}

function SearchBox() {
  const box = useRef<HTMLInputElement>(null);
  useKeys({ "/": () => box.current?.focus() });
  return (
    <input
      ref={box}
      class="search"
      type="search"
      placeholder={hasLetters.value ? "Search  /" : "Search"}
      aria-label="Search sources by name, address or tag"
      value={search.value}
      onInput={(event) => (search.value = event.currentTarget.value)}
    />
  );
}

function Chips() {
  const used = CHIPS.filter((kind) => counts.value.has(kind) || only.value === kind);
  const isStale = stale.value.size > 0 || only.value === "stale";
  if (used.length === 0 && !isStale) return null;
  return (
    <div class="chips" role="group" aria-label="Show only">
      <Chip kind="all" text="All" />
      {used.map((kind) => <Chip key={kind} kind={kind} text={`${WORDS[kind]} ${counts.value.get(kind) ?? 0}`} />)}
      {isStale && <Chip kind="stale" text={`Stale ${stale.value.size}`} />}
    </div>
  );
}

/** What is done to the list as a whole. */
function Tools({ importing }: { importing(): void }) {
  const [why, setWhy] = useState("");
  const write = async () => {
    try {
      save((await session.value?.api.exportSources()) ?? []);
      setWhy("");
    } catch (error) {
      setWhy(readProblem(error).message);
    }
  };
  return (
    <div class="tools-end">
      {why && <span class="error" role="alert">{why}</span>}
      <button type="button" class="quiet" aria-pressed={isGrouped.value} onClick={() => (isGrouped.value = !isGrouped.value)}>Group by tag</button>
      <button type="button" class="quiet" onClick={importing}>Import…</button>
      <button type="button" class="quiet" onClick={() => void write()}>Export</button>
    </div>
  );
}

function save(items: readonly unknown[]): void {
  const address = URL.createObjectURL(new Blob([JSON.stringify({ items }, null, 2)], { type: "application/json" }));
  const link = Object.assign(document.createElement("a"), { href: address, download: "sources.json" });
  link.click();
  URL.revokeObjectURL(address);
}

function Chip({ kind, text }: { kind: Standing | "stale" | "all"; text: string }) {
  return (
    <button type="button" class="chip" aria-pressed={only.value === kind} onClick={() => (only.value = kind)}>
      {text}
    </button>
  );
}

function List({ add, remove }: { add(): void; remove(source: Summary): void }) {
  const [limit, setLimit] = useState(SHOWN_FIRST);
  const all = sources.value.value;
  if (all === null) return sources.problem.value ? null : <Skeleton label="Loading the sources" />;
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
          <tr><th class="tick"><ChooseAll /></th><th>Source</th><th>State</th><th>Kind</th><th>Freshness</th><th>Last change</th><th>Changes, {ACTIVITY_MIN} min</th><th class="end">Polled every</th><th><span class="unseen">Actions</span></th></tr>
        </thead>
        {isGrouped.value
          ? groups.value.map(([tag, items]) => <Group key={tag} tag={tag} items={items} limit={limit} remove={remove} />)
          : <tbody>{shown.value.slice(0, limit).map((source) => <Row key={source.id} source={source} remove={remove} />)}</tbody>}
      </table>
      {!isGrouped.value && shown.value.length > limit && (
        <button type="button" class="more" onClick={() => setLimit(limit + SHOWN_FIRST)}>
          Show more ({shown.value.length - limit} left)
        </button>
      )}
    </>
  );
}

/** Shown closed, a tag still tells how the worst of its sources does. */
function Group({ tag, items, limit, remove }: { tag: string; items: readonly Summary[]; limit: number; remove(source: Summary): void }) {
  const [isOpen, setOpen] = useState(true);
  const worst = items.reduce((a, b) => (RANK[standing(b)] < RANK[standing(a)] ? b : a));
  return (
    <tbody>
      <tr class="group">
        <th colSpan={COLUMNS} scope="rowgroup">
          <button type="button" class="quiet" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
            <span aria-hidden="true">{isOpen ? "▾" : "▸"}</span> {tag || "No tag"} <span class="muted">{items.length}</span>
          </button>
          <StateBadge source={worst} />
        </th>
      </tr>
      {isOpen && items.slice(0, limit).map((source) => <Row key={source.id} source={source} remove={remove} />)}
      {isOpen && items.length > limit && <tr><td colSpan={COLUMNS} class="muted">and {items.length - limit} more: search for them</td></tr>}
    </tbody>
  );
}

function Row({ source, remove }: { source: Summary; remove(source: Summary): void }) {
  const said = remark(source, nowMs.value);
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
        {said && <span class="why" title={source.status.why || said}>{capital(said)}{said === source.status.why && <> (<Since atMs={source.status.since} />)</>}</span>}
      </td>
      <td data-label="Kind">{kindOf(source)}</td>
      <td data-label="Freshness"><Freshness source={source} /></td>
      <td data-label="Last change">
        <Since atMs={source.changedAt === null ? null : Date.parse(source.changedAt)} none="no data yet" />
      </td>
      <td data-label="Changes"><Spark counts={activity.of(source.id, nowMs.value)} over={OVER} /></td>
      <td data-label="Polled every" class="end">{interval(source)}</td>
      <td class="end">
        <button type="button" class="quiet icon" aria-label={`Remove ${source.name}`} title="Remove" onClick={() => remove(source)}>
          <span aria-hidden="true">✕</span>
        </button>
      </td>
    </tr>
  );
}

/** Of the source's values, not of this page: whether somebody looked within its interval. */
function Freshness({ source }: { source: Summary }) {
  const old = stale.value.get(source.id);
  const { state, lastGood } = source.status;
  if (old !== undefined) return <><strong class="stale">Stale</strong><span class="why">{old.why}</span></>;
  if (!source.enabled || state === "new") return <span class="muted">–</span>;
  if (state === "healthy" || state === "degraded") return <>Fresh</>;
  return lastGood ? <>good <Since atMs={lastGood} /></> : <span class="muted">never good</span>;
}

/** Chooses what is shown: what a filter hides is never part of a deed that nobody sees. */
function ChooseAll() {
  const ids = shown.value.map(({ id }) => id);
  const count = ids.filter((id) => chosen.value.has(id)).length;
  return (
    <label class="choose-all">
      <input type="checkbox" aria-label="Choose all that match" checked={count > 0 && count === ids.length}
        indeterminate={count > 0 && count < ids.length} onChange={(event) => choose(ids, event.currentTarget.checked)} />
      <span aria-hidden="true">Choose all</span>
    </label>
  );
}

function kindOf({ type, dataFormat }: Summary): string {
  if (type === "googleSheet") return "Google Sheet";
  return dataFormat === "auto" ? "Auto" : dataFormat.toUpperCase();
}
