/** Any number of a source over time, from the server's history: leaving the page loses nothing. */

import { useSignal } from "@preact/signals";
import { useEffect, useMemo, useState } from "preact/hooks";
import { Chart } from "../parts/chart.tsx";
import { Empty, Trouble } from "../parts/empty.tsx";
import { Skeleton } from "../parts/skeleton.tsx";
import { sourceAddress } from "../route.ts";
import { bucketS, columnsOf, numericPaths, wholeSeries, WINDOWS } from "../state/series.ts";
import { readProblem, session } from "../state/session.ts";
import { fullTime } from "../state/since.ts";
import type { Series } from "../api/types.ts";
import type { Watched } from "../state/watched.ts";

const REFRESH_MS = 2_000;
const TABLE_MAX = 240;

export function ChartsTab({ watched, place }: { watched: Watched; place: string }) {
  const { sourceId } = watched.replica;
  const isThere = watched.news.value >= 0 && watched.replica.document !== undefined;
  const paths = useMemo(() => numericPaths(watched.replica.document), [watched.replica, isThere]);
  const path = place || paths[0] || "";
  const go = (typed: string) => (location.hash = sourceAddress(sourceId, "charts", typed.trim()));
  return (
    <div class="charts">
      <div class="bar">
        <input key={path} class="search wide" list="chart-paths" aria-label="Which number (a JSON Pointer)" placeholder="/rows/0/price" spellcheck={false}
          autocomplete="off" defaultValue={path} onChange={(event) => go(event.currentTarget.value)} />
        <datalist id="chart-paths">{paths.map((one) => <option key={one} value={one} />)}</datalist>
      </div>
      {path === "" ? <Empty title={isThere ? "There is no number in this document" : "No data yet"} /> : <OverTime key={`${sourceId} ${path}`} sourceId={sourceId} path={path} />}
    </div>
  );
}

function OverTime({ sourceId, path }: { sourceId: string; path: string }) {
  const windowMs = useSignal<number>(WINDOWS[1].ms);
  const [series, problem, again] = useSeries(sourceId, path, windowMs.value);
  const columns = useMemo(() => (series === null ? null : columnsOf(series)), [series]);
  const [chartFailed, setChartFailed] = useState("");
  const last = series?.points.at(-1);
  return (
    <>
      <div class="bar">
        <div class="segments" role="group" aria-label="How far back">
          {WINDOWS.map(({ name, ms }) => <button key={ms} type="button" aria-pressed={ms === windowMs.value} onClick={() => (windowMs.value = ms)}>{name}</button>)}
        </div>
        {last && <p class="note" data-fact="latest">Now {shown(last.last)}</p>}
      </div>
      {problem && <Trouble title="The history could not be read." why={problem} retry={again} />}
      {chartFailed && <p class="trouble" role="alert">The chart could not be drawn: {chartFailed}. The table below says the same.</p>}
      {series === null && !problem && <Skeleton label="Reading the history" bones={6} />}
      {series && columns && (
        <>
          <Chart columns={columns} from={series.from / 1_000} to={series.to / 1_000} failed={setChartFailed}
            label={`${path} over time${last ? `, now ${last.last}` : ""}; the same as a table below`} />
          {series.points.length === 0 && <p class="muted">Nothing is known of this number in this time.</p>}
          <AsTable series={series} />
        </>
      )}
    </>
  );
}

function useSeries(sourceId: string, path: string, windowMs: number): [Series | null, string, () => void] {
  const [series, setSeries] = useState<Series | null>(null);
  const [problem, setProblem] = useState("");
  const [round, setRound] = useState(0);
  useEffect(() => {
    const asked = { isWanted: true, timer: 0 };
    const ask = async () => {
      const to = Date.now();
      const bucket = bucketS(windowMs);
      try {
        const api = session.value?.api;
        if (api === undefined) return;
        const found = await wholeSeries((from) => api.series(sourceId, { path, bucket, from, to }), to - windowMs);
        if (asked.isWanted) [setSeries({ ...found, from: to - windowMs, to }), setProblem("")];
      } catch (error) {
        if (asked.isWanted) setProblem(readProblem(error).message);
      }
      if (asked.isWanted) asked.timer = window.setTimeout(() => void ask(), Math.max(REFRESH_MS, (bucket * 1_000) / 2));
    };
    void ask();
    return () => {
      asked.isWanted = false;
      clearTimeout(asked.timer);
    };
  }, [sourceId, path, windowMs, round]);
  return [series, problem, () => setRound(round + 1)];
}

function shown(value: number): string {
  return value.toLocaleString(undefined, { maximumFractionDigits: 8 });
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
              <tr key={at}><td>{fullTime(at)}</td><td data-align="end">{shown(min)}</td><td data-align="end">{shown(mean)}</td><td data-align="end">{shown(max)}</td><td data-align="end">{count}</td></tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
