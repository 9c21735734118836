/** The pinned top of a source's page: what it is, how it does, and how new what is shown is. */

import { useEffect } from "preact/hooks";
import type { Source, SourceStatus } from "../api/types.ts";
import { say } from "../parts/announcer.tsx";
import { Since } from "../parts/since.tsx";
import { StateBadge } from "../parts/state-badge.tsx";
import { doubts, type Doubt } from "../state/freshness.ts";
import { staleOf } from "../state/stale.ts";
import { nowMs } from "../state/clock.ts";
import { owners } from "../state/fleet.ts";
import { linkState } from "../state/session.ts";
import { capital, interval, sentence } from "../state/interval.ts";
import { clockTime } from "../state/since.ts";
import type { Watched } from "../state/watched.ts";

export function SourceHead({ watched, source }: { watched: Watched; source: Source | null }) {
  void watched.news.value;
  const back = watched.back.value;
  useEffect(() => {
    if (back !== "") say(back);
  }, [back]);
  useEffect(() => owners.start(), []);
  const { replica } = watched;
  const status = newest(source?.status, replica.status as SourceStatus | null);
  return (
    <header class="source-head">
      <nav aria-label="Breadcrumb"><span aria-hidden="true">←</span> <a href="#/sources">Sources</a></nav>
      <div class="title">
        <h1>{source?.name ?? replica.sourceId}</h1>
        {source && status && <StateBadge source={{ enabled: source.enabled, status }} />}
      </div>
      {source && <Address url={source.url} />}
      <Facts version={replica.version} asOfMs={watched.asOfMs} source={source} />
      {source?.warnings?.map((warning) => <p key={warning.code} class="doubt" data-of={warning.code}>{sentence(warning.message)}</p>)}
      {doubts({ link: linkState.value.name, isEnabled: source?.enabled ?? true, status, stale: source ? staleOf(source, owners.value.value, nowMs.value) : null, atMs: watched.asOfMs }).map((doubt) => (
        <p key={doubt.of} class="doubt" data-of={doubt.of}>
          {capital(doubt.text)}<Asof doubt={doubt} />.
        </p>
      ))}
    </header>
  );
}

/** Until when what is shown was known to be true. */
function Asof({ doubt: { of, atMs } }: { doubt: Doubt }) {
  if (atMs === null) return null;
  if (of !== "source") return <>: what is shown is as of {clockTime(atMs)}</>;
  return <>. The last good poll was <Since atMs={atMs} />; its values stay</>;
}

function Facts({ version, asOfMs, source }: { version: number; asOfMs: number; source: Source | null }) {
  return (
    <dl class="facts">
      <div><dt>Version</dt><dd data-fact="version">{version || "–"}</dd></div>
      <div><dt>As of</dt><dd>{asOfMs ? <>{clockTime(asOfMs)} <small>(<Since atMs={asOfMs} />)</small></> : "–"}</dd></div>
      {source && <div><dt>Polled every</dt><dd data-fact="interval">{interval(source)}</dd></div>}
    </dl>
  );
}

/** Only an http address becomes a link; anything else stays text. */
function Address({ url }: { url: string }) {
  const isHttp = ["http:", "https:"].includes(URL.parse(url)?.protocol ?? "");
  if (!isHttp) return <p class="address">{url}</p>;
  return <p class="address"><a href={url} target="_blank" rel="noopener noreferrer">{url}</a></p>;
}

/** The list is polled and the status is pushed: whichever turned later is true. */
function newest(listed: SourceStatus | undefined, pushed: SourceStatus | null): SourceStatus | null {
  if (listed === undefined || pushed === null) return pushed ?? listed ?? null;
  return pushed.since > listed.since ? pushed : listed;
}
