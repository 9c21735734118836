/** What changed and when, newest first: only the changes, version by version, stepped through with the keyboard. */

import { useSignal, type Signal } from "@preact/signals";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { cellText } from "../live/format.ts";
import { Empty, Trouble } from "../parts/empty.tsx";
import { hasLetters } from "../parts/keys.ts";
import { Skeleton } from "../parts/skeleton.tsx";
import { Since } from "../parts/since.tsx";
import { sourceAddress, toPointer } from "../route.ts";
import type { Step, Version } from "../state/before.ts";
import { Changes } from "../state/changes.ts";
import { readProblem, session } from "../state/session.ts";
import { bytes, clockTime } from "../state/since.ts";
import type { Watched } from "../state/watched.ts";

/** As many as somebody looks at; the rest of a large step when it is asked for. */
const STEPS_SHOWN = 20;
const STEPS_MORE = 200;
/** A source may change many times a second; the server is asked about it less often. */
const CATCH_UP_AFTER_MS = 1_000;

export function ChangesTab({ watched, place }: { watched: Watched; place: string }) {
  const { sourceId } = watched.replica;
  const changes = useMemo(() => new Changes({
    fetch: async (query) => (await session.value?.api.changes(sourceId, query)) ?? { items: [] },
    problemOf: readProblem,
    seen: ({ incarnation, version }) => watched.replica.seen.before(incarnation, version),
  }), [watched]);
  useEffect(() => void changes.filter(place), [changes, place]);
  useCatchUp(watched, changes);
  const problem = changes.problem.value;
  return (
    <div class="changes">
      <PlaceBox sourceId={sourceId} place={place} />
      {problem && <Trouble title="The history could not be read." why={problem.message} retry={() => void changes.start()} />}
      <Versions sourceId={sourceId} changes={changes} />
    </div>
  );
}

/** Follow the live document: each new version of it is one more entry. */
function useCatchUp(watched: Watched, changes: Changes): void {
  const version = useRef(0);
  useEffect(() => {
    let timer = 0;
    const look = () => {
      if (document.hidden || watched.replica.version === version.current || timer !== 0) return;
      timer = window.setTimeout(() => {
        timer = 0;
        version.current = watched.replica.version;
        void changes.catchUp();
      }, CATCH_UP_AFTER_MS);
    };
    const deaf = watched.listen(look);
    document.addEventListener("visibilitychange", look);
    return () => {
      deaf();
      document.removeEventListener("visibilitychange", look);
      clearTimeout(timer);
    };
  }, [watched, changes]);
}

function PlaceBox({ sourceId, place }: { sourceId: string; place: string }) {
  const go = (event: Event) => {
    location.hash = sourceAddress(sourceId, "changes", toPointer((event.currentTarget as HTMLInputElement).value));
  };
  return (
    <div class="bar">
      <input key={place} class="search wide" type="search" placeholder="Only this place, as in /rows/3/price" aria-label="Only changes of this place (a JSON Pointer)"
        spellcheck={false} defaultValue={place} onChange={go} />
      <p class="note">← and →{hasLetters.value && " or j and k"} step from version to version</p>
    </div>
  );
}

function Versions({ sourceId, changes }: { sourceId: string; changes: Changes }) {
  const at = useSignal<string | null>(null);
  const list = useRef<HTMLOListElement>(null);
  const versions = changes.versions.value;
  if (versions === null) return changes.problem.value ? null : <Skeleton label="Loading the changes" />;
  if (versions.length === 0) {
    return changes.path.value === ""
      ? <Empty title="Nothing has changed yet"><p>Each change appears here as it happens.</p></Empty>
      : <Empty title="No change of this place is kept"><a href={sourceAddress(sourceId, "changes")}>Show all changes</a></Empty>;
  }
  const key = (event: KeyboardEvent) => {
    const by = stepOf(event);
    if (by === 0) return;
    event.preventDefault();
    const from = versions.findIndex((version) => idOf(version) === at.value);
    const next = versions[Math.max(0, Math.min(versions.length - 1, from < 0 ? 0 : from + by))] as Version;
    at.value = idOf(next);
    (list.current?.querySelector(`[data-version="${CSS.escape(idOf(next))}"]`) as HTMLElement | null)?.focus();
  };
  return (
    <ol class="versions" ref={list} onKeyDown={key}>
      {versions.map((version, i) => <Entry key={idOf(version)} sourceId={sourceId} version={version} at={at} isFirst={at.value === null && i === 0} />)}
      {changes.hasMore.value && (
        <li><button type="button" class="more" aria-disabled={changes.isLoading.value} onClick={() => void changes.more()}>{changes.isLoading.value ? "Loading…" : "Older changes"}</button></li>
      )}
    </ol>
  );
}

function Entry({ sourceId, version, at, isFirst }: { sourceId: string; version: Version; at: Signal<string | null>; isFirst: boolean }) {
  const id = idOf(version);
  const { steps } = version;
  return (
    <>
      <li class="version" data-version={id} tabIndex={at.value === id || isFirst ? 0 : -1} aria-current={at.value === id ? "step" : undefined} onFocus={() => (at.value = id)}>
        <header>
          <strong>Version {version.version}</strong>
          <span>{clockTime(version.atMs)} <span class="muted">(<Since atMs={version.atMs} />)</span></span>
          <span class="muted">{steps === null ? version.bytes > 0 && bytes(version.bytes) : counted(steps.length, "change")}</span>
        </header>
        {steps === null
          ? <p class="muted">{version.version === 1 ? "The first document." : "What changed is not kept: the step was too large."}</p>
          : <Steps sourceId={sourceId} steps={steps} />}
      </li>
      {version.isNewLife && <li class="gap">The source started anew here: what is below belongs to its former life.</li>}
      {version.missing > 0 && <li class="gap">{gapText(version)}</li>}
    </>
  );
}

function Steps({ sourceId, steps }: { sourceId: string; steps: readonly Step[] }) {
  const [count, setCount] = useState(STEPS_SHOWN);
  const left = steps.length - count;
  return (
    <ul class="steps">
      {steps.slice(0, count).map(({ operation: { op, path, from, value }, before }, i) => (
        <li key={i} data-op={op}>
          <span class="op">{op}</span>
          <a class="path" href={sourceAddress(sourceId, "changes", path)} title="Only changes of this place">{cellText(path) || "(everything)"}</a>
          <span class="values">
            {from !== undefined && <span class="old">{cellText(from)}</span>}
            {before !== undefined && <del>{cellText(before)}</del>}
            {before !== undefined && value !== undefined && <span aria-hidden="true"> → </span>}
            {value !== undefined && <ins>{cellText(value)}</ins>}
          </span>
        </li>
      ))}
      {left > 0 && <li><button type="button" class="inline" onClick={() => setCount(count + STEPS_MORE)}>{left > STEPS_MORE ? `${STEPS_MORE} of ${left} more` : `${left} more`}</button></li>}
    </ul>
  );
}

function stepOf(event: KeyboardEvent): number {
  if (event.ctrlKey || event.metaKey || event.altKey) return 0;
  if (event.key === "j" || event.key === "k") return !hasLetters.value ? 0 : event.key === "j" ? 1 : -1;
  if (event.key === "ArrowRight" || event.key === "ArrowDown") return 1;
  return event.key === "ArrowLeft" || event.key === "ArrowUp" ? -1 : 0;
}

function gapText({ version, missing }: Version): string {
  const [first, last] = [version - missing, version - 1];
  return first === last ? `Version ${first} is not kept.` : `Versions ${first}–${last} are not kept.`;
}

function idOf({ incarnation, version }: Version): string {
  return `${incarnation}-${version}`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
