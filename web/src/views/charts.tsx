/** Any number of a source over time, from the server's history: leaving the page loses nothing. */

import type { Signal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { Chart } from "../parts/chart.tsx";
import { Empty, Trouble } from "../parts/empty.tsx";
import { Skeleton } from "../parts/skeleton.tsx";
import { sourceAddress, toPointer } from "../route.ts";
import { pageClock } from "../state/clock.ts";
import { numberText } from "../state/plot.ts";
import { Polled } from "../state/polling.ts";
import { bucketS, numberAt, numericPaths, wholeSeries, WINDOWS } from "../state/series.ts";
import { session, type Session } from "../state/session.ts";
import { fullTime } from "../state/since.ts";
import type { Series } from "../api/types.ts";
import type { Watched } from "../state/watched.ts";

const TABLE_MAX = 240;

export function ChartsTab({ watched, windowMs, place }: { watched: Watched; windowMs: Signal<number>; place: string }) {
  const { sourceId } = watched.replica;
  const isThere = watched.news.value >= 0 && watched.shown !== undefined;
  const paths = useMemo(() => numericPaths(watched.shown), [watched.replica, isThere]);
  const path = place || paths[0] || "";
  const go = (typed: string) => (location.hash = sourceAddress(sourceId, "charts", toPointer(typed)));
  return (
    <div class="charts">
      <div class="bar">
        <input key={path} class="search wide" list="chart-paths" aria-label="Which number (a JSON Pointer)" placeholder="/rows/0/price" spellcheck={false}
          autocomplete="off" defaultValue={path} onChange={(event) => go(event.currentTarget.value)} />
        <datalist id="chart-paths">{paths.map((one) => <option key={one} value={one} />)}</datalist>
      </div>
      {path === "" ? <Empty title={isThere ? "There is no number in this document" : "No data yet"} /> : <OverTime key={`${sourceId} ${path}`} sourceId={sourceId} path={path} windowMs={windowMs} latest={numberAt(watched.shown, path)} />}
    </div>
  );
}

/** `latest` is of the live document: the history is asked for rarely where it goes far back, and ends before now. */
function OverTime({ sourceId, path, windowMs, latest }: { sourceId: string; path: string; windowMs: Signal<number>; latest: number | null }) {
  const [series, polled] = useSeries(sourceId, path, windowMs.value);
  const problem = polled.problem.value;
  return (
    <>
      <div class="bar">
        <div class="segments" role="group" aria-label="How far back">
          {WINDOWS.map(({ name, ms }) => <button key={ms} type="button" aria-pressed={ms === windowMs.value} onClick={() => (windowMs.value = ms)}>{name}</button>)}
        </div>
        {latest !== null && <p class="note" data-fact="latest">Now {numberText(latest)}</p>}
      </div>
      {problem && <Trouble title="The history could not be read." why={problem.message} asOfMs={series?.to ?? 0} retry={() => void polled.refresh()} />}
      {series === null && !problem && <Skeleton label="Reading the history" bones={6} />}
      {series && (
        <>
          <Chart series={series} label={`${path} over time${latest === null ? "" : `, now ${latest}`}; the same as a table below`} />
          {series.points.length === 0 && <p class="muted">Nothing is known of this number in this time.</p>}
          <AsTable series={series} />
        </>
      )}
    </>
  );
}

/** The newest answer, of the time before until there is one of this. */
function useSeries(sourceId: string, path: string, windowMs: number): [Series | null, Polled<Series>] {
  const polled = useMemo(() => {
    const bucket = bucketS(windowMs);
    const ask = async () => {
      const to = pageClock.now();
      const from = to - windowMs;
      const found = await wholeSeries((at) => (session.value as Session).api.series(sourceId, { path, bucket, from: at, to }), from);
      return { ...found, from, to };
    };
    return new Polled<Series>(ask, (bucket * 1_000) / 2);
  }, [sourceId, path, windowMs]);
  useEffect(() => polled.start(), [polled]);
  const held = useRef<Series | null>(null);
  held.current = polled.value.value ?? held.current;
  return [held.current, polled];
}

function AsTable({ series }: { series: Series }) {
  const points = series.points.slice(-TABLE_MAX).reverse();
  return (
    <details>
      <summary>As a table</summary>
      <div class="sample" role="region" aria-label="The chart as a table" tabIndex={0}>
        <table>
          <thead><tr><th scope="col">From</th><th scope="col" data-align="end">Least</th><th scope="col" data-align="end">Mean</th><th scope="col" data-align="end">Most</th><th scope="col" data-align="end">Changes</th></tr></thead>
          <tbody>
            {points.map(({ at, min, mean, max, count }) => (
              <tr key={at}><td>{fullTime(at)}</td><td data-align="end">{numberText(min)}</td><td data-align="end">{numberText(mean)}</td><td data-align="end">{numberText(max)}</td><td data-align="end">{count}</td></tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
