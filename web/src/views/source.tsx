/** One source: its pinned head, and the tabs below it. */

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Source, Summary } from "../api/types.ts";
import { Trouble } from "../parts/empty.tsx";
import { Skeleton } from "../parts/skeleton.tsx";
import { useTitle } from "../parts/title.ts";
import { route, sourceAddress, TABS, type Tab } from "../route.ts";
import { sentence } from "../state/interval.ts";
import { readProblem, session, type Session } from "../state/session.ts";
import { sources } from "../state/sources.ts";
import { Watched } from "../state/watched.ts";
import { ChangesTab } from "./changes.tsx";
import { ChartsTab } from "./charts.tsx";
import { LiveTab, Look } from "./live.tsx";
import { Settings } from "./settings.tsx";
import { SourceHead } from "./source-head.tsx";

const TITLES: Readonly<Record<Tab, string>> = { live: "Live", changes: "Changes", charts: "Charts", settings: "Settings" };

export function SourcePage({ id }: { id: string }) {
  const [watched, setWatched] = useState<Watched | null>(null);
  useEffect(() => sources.start(), []);
  useEffect(() => {
    const made = new Watched(session.value as Session, id);
    setWatched(made);
    return () => made.end();
  }, [id]);
  if (watched === null || watched.replica.sourceId !== id) return null;
  return <Opened key={id} watched={watched} />;
}

function Opened({ watched }: { watched: Watched }) {
  const id = watched.replica.sourceId;
  const { source, listed, problem, changed, again } = useSource(id);
  useEffect(() => {
    if (listed !== null) watched.compare(listed, sources.atMs);
  }, [watched, listed]);
  useTitle(source?.name ?? id);
  const look = useMemo(() => new Look(), [watched]);
  useEffect(() => watched.listen((touched) => look.kept.changed(touched, watched.shown)), [watched, look]);
  const at = route.value;
  const tab = at.page === "source" ? at.tab : "live";
  const place = at.page === "source" ? at.place : "";
  const charted = useRef("");
  if (tab === "charts" && place !== "") charted.current = place;
  return (
    <div class="source">
      <div>
        <SourceHead watched={watched} source={source} />
        <nav class="tabs" aria-label="Parts of this source">
          {TABS.map((name) => <a key={name} href={sourceAddress(id, name, name === "charts" ? charted.current : "")} aria-current={name === tab ? "page" : undefined}>{TITLES[name]}</a>)}
        </nav>
      </div>
      {tab === "settings" && source === null && <Unread problem={problem} again={again} />}
      {tab === "live" && <LiveTab watched={watched} look={look} />}
      {tab === "changes" && <ChangesTab watched={watched} place={place} />}
      {tab === "charts" && <ChartsTab watched={watched} windowMs={look.windowMs} place={place} />}
      {tab === "settings" && source !== null && <Settings source={source} changed={changed} />}
    </div>
  );
}

function Unread({ problem, again }: { problem: string; again(): void }) {
  if (problem === "") return <Skeleton label="Reading the settings" />;
  return <div><Trouble title="The settings could not be read." why={problem} retry={again} /></div>;
}

interface Read {
  /** As it was last read, saved or listed, whichever is the newest. */
  source: Source | null;
  /** As the list had it last. */
  listed: Summary | null;
  /** Why it could not be read. */
  problem: string;
  changed(source: Source): void;
  again(): void;
}

function useSource(id: string): Read {
  const [read, setRead] = useState<Source | null>(null);
  const [problem, setProblem] = useState("");
  const listed = sources.value.value?.find((source) => source.id === id) ?? null;
  const again = () => {
    setProblem("");
    session.value?.api.source(id).then(setRead).catch((error: unknown) => setProblem(sentence(readProblem(error).message)));
  };
  useEffect(again, [id]);
  const isListedNewer = listed !== null && (read === null || listed.revision >= read.revision);
  return { source: isListedNewer ? listed : read, listed, problem, changed: setRead, again };
}
