/** The workers: who lives, who owns what. */

import { useEffect } from "preact/hooks";
import type { FleetKind, Move, Summary, Worker } from "../api/types.ts";
import { Empty, Trouble } from "../parts/empty.tsx";
import { Since } from "../parts/since.tsx";
import { Skeleton } from "../parts/skeleton.tsx";
import { useTitle } from "../parts/title.ts";
import { sourceAddress } from "../route.ts";
import { fleet } from "../state/fleet.ts";
import { shardsOf, spans } from "../state/shards.ts";
import { duration } from "../state/since.ts";
import { sources } from "../state/sources.ts";
import { failingOf, ownerOf } from "../state/trouble.ts";

const TITLES: Readonly<Record<string, string>> = { external: "Feeds", googleSheet: "Google Sheets" };
const STATES: Readonly<Record<string, string>> = { UP: "Up", DRAIN: "Handing over", DEAD: "Dead" };
const REASONS: Readonly<Record<Move["why"], string>> = {
  free: "nobody owned it", dead: "its owner was declared dead", plan: "loads were evened out", drain: "its owner was leaving",
};
/** Polls are due in whole seconds; less than this is no lag. */
const LATE_MS = 1_000;
const MOVES_SHOWN = 12;
const FAILING_SHOWN_MAX = 50;
/** As many colours as the style sheet has; owners beyond them share. */
const COLOURS = 8;

export function FleetPage() {
  useTitle("Fleet");
  useEffect(() => fleet.start(), []);
  useEffect(() => sources.start(), []);
  const problem = fleet.problem.value;
  const kinds = Object.entries(fleet.value.value?.kinds ?? {});
  return (
    <>
      <div class="page-head"><h1>Fleet</h1></div>
      {problem && <Trouble title="The fleet could not be read." why={problem.message} asOfMs={fleet.atMs} retry={() => void fleet.refresh()} />}
      {fleet.value.value === null && !problem && <Skeleton label="Loading the fleet" />}
      {kinds.map(([kind, about]) => <Kind key={kind} title={TITLES[kind] ?? kind} about={about} failing={failingOf(kind, sources.value.value ?? [])} />)}
    </>
  );
}

function Kind({ title, about, failing }: { title: string; about: FleetKind; failing: readonly Summary[] }) {
  const workers = [...about.workers].sort((a, b) => a.id.localeCompare(b.id));
  const colours = new Map(workers.map(({ id }, i) => [id, i % COLOURS]));
  return (
    <section class="card fleet">
      <h2>{title}</h2>
      <Totals about={about} />
      {workers.length === 0 ? <Empty title="No worker has joined" /> : <Workers about={about} workers={workers} colours={colours} failing={failing} />}
      <ShardMap about={about} colours={colours} />
      <Owners about={about} />
      <Failing about={about} failing={failing} />
      <Moves moves={about.moves} />
    </section>
  );
}

function Totals({ about }: { about: FleetKind }) {
  const { tasks, shards, owners, workers } = about;
  const up = workers.filter(({ state }) => state === "UP").length;
  const unowned = shards - Object.keys(owners).length;
  return (
    <dl class="facts">
      <div><dt>Desired</dt><dd data-fact="desired">{tasks?.desired ?? "–"}</dd></div>
      <div><dt>Running</dt><dd data-fact="running">{tasks?.running ?? "–"}{tasks !== null && tasks.pending > 0 && <small> and {tasks.pending} starting</small>}</dd></div>
      <div><dt>Workers up</dt><dd data-fact="up">{up}</dd></div>
      <div><dt>Shards</dt><dd>{shards.toLocaleString()}{unowned > 0 && workers.length > 0 && <strong class="warn">, {unowned.toLocaleString()} without an owner</strong>}</dd></div>
    </dl>
  );
}

interface WorkersProps {
  about: FleetKind;
  workers: Worker[];
  colours: ReadonlyMap<string, number>;
  failing: readonly Summary[];
}

function Workers({ about, workers, colours, failing }: WorkersProps) {
  const most = Math.max(...workers.map(({ load }) => load));
  return (
    <table class="list">
      <thead><tr><th>Worker</th><th>State</th><th class="end">Last heartbeat</th><th class="end">Shards</th><th class="end">Load</th><th class="end">Poll lag</th><th class="end">Failed polls</th><th class="end">Failing sources</th></tr></thead>
      <tbody>
        {workers.map((worker) => (
          <tr key={worker.id}>
            <td class="name"><span class="swatch" data-colour={colours.get(worker.id)} aria-hidden="true" /> <code>{worker.id}</code><Origin worker={worker} /></td>
            <td data-label="State">{STATES[worker.state] ?? worker.state}{worker.deadBy && <span class="why">said {worker.deadBy}</span>}{worker.overloaded && worker.state !== "DEAD" && <span class="why"><strong class="warn">Overloaded</strong>: polls wait, so sources are polled less often than asked</span>}</td>
            <td data-label="Last heartbeat" class="end"><Since atMs={worker.beatAt === null ? null : Date.parse(worker.beatAt)} /></td>
            <td data-label="Shards" class="end">{worker.owned}</td>
            <td data-label="Load" class="end"><Load ms={worker.load} most={most} /></td>
            <td data-label="Poll lag" class="end">{worker.overdueMs < LATE_MS ? "on time" : <strong class="warn">{duration(worker.overdueMs)} behind</strong>}</td>
            <td data-label="Failed polls" class="end"><Failed polls={worker.polls} /></td>
            <td data-label="Failing sources" class="end">{failing.filter((source) => ownerOf(source, about) === worker.id).length}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Since when it works, and which program it is: during a deployment two of them run. */
function Origin({ worker: { startedAt, release } }: { worker: Worker }) {
  if (!startedAt) return null;
  return <span class="address" title={release}>started <Since atMs={Date.parse(startedAt)} />{release && `, release ${release}`}</span>;
}

/** Of all polls since the worker started. What we could not finish ourselves is no fault of a source. */
function Failed({ polls: { polls, failed, troubled } }: { polls: Worker["polls"] }) {
  return (
    <>
      {failed.toLocaleString()} <span class="muted">of {polls.toLocaleString()}</span>
      {troubled > 0 && <span class="why"><strong class="warn">{troubled.toLocaleString()} unfinished</strong> for a trouble of our own</span>}
    </>
  );
}

/** Work per second, beside the other workers'. */
function Load({ ms, most }: { ms: number; most: number }) {
  return (
    <span class="load">
      <meter min={0} max={Math.max(most, 1)} value={ms} aria-label="Load beside the others" />
      {Math.round(ms).toLocaleString()} ms/s
    </span>
  );
}

/** A cell per shard. The list below says the same in words, so for a screen reader this is one picture. */
function ShardMap({ about, colours }: { about: FleetKind; colours: ReadonlyMap<string, number> }) {
  const shards = Array.from({ length: about.shards }, (_, shard) => about.owners[String(shard)] ?? null);
  const owned = shards.filter((owner) => owner !== null).length;
  return (
    <div class="shards" role="img" aria-label={`${owned} of ${about.shards} shards have an owner`}>
      {shards.map((owner, shard) => (
        <span key={shard} class="swatch" data-colour={owner === null ? "none" : (colours.get(owner) ?? "gone")} title={`shard ${shard}: ${owner ?? "no owner"}, epoch ${about.epochs[String(shard)] ?? "–"}`} />
      ))}
    </div>
  );
}

function Owners({ about }: { about: FleetKind }) {
  return (
    <details class="moves">
      <summary>Which shard is whose</summary>
      <ul>
        {[...shardsOf(about)].map(([owner, shards]) => (
          <li key={owner}>{owner === null ? "No owner" : <code>{owner}</code>}: {spans(shards)}</li>
        ))}
      </ul>
    </details>
  );
}

/** What goes wrong, whose it is, and since when: the newest first. */
function Failing({ about, failing }: { about: FleetKind; failing: readonly Summary[] }) {
  if (failing.length === 0) return null;
  return (
    <details class="moves">
      <summary>Failing sources: {failing.length}</summary>
      <ol>
        {failing.slice(0, FAILING_SHOWN_MAX).map((source) => (
          <li key={source.id}>
            <a href={sourceAddress(source.id)}>{source.name}</a>: {source.status.why}
            <span class="muted"> (<Since atMs={source.status.since} />, <code>{ownerOf(source, about) ?? "no worker"}</code>)</span>
          </li>
        ))}
      </ol>
    </details>
  );
}

function Moves({ moves }: { moves: readonly Move[] }) {
  if (moves.length === 0) return null;
  return (
    <details class="moves">
      <summary>Last moves: {summed(moves)}</summary>
      <ol>
        {moves.slice(0, MOVES_SHOWN).map((move) => (
          <li key={`${move.shard}-${move.epoch}`}>
            Shard {move.shard} {move.from && <>from <code>{move.from}</code></>} {move.to ? <>to <code>{move.to}</code></> : "to nobody yet"}
            <span class="muted">: {REASONS[move.why] ?? move.why}, <Since atMs={Date.parse(move.at)} /></span>
          </li>
        ))}
      </ol>
    </details>
  );
}

/** Many shards move at once for one reason: `12 because its owner was leaving`. */
function summed(moves: readonly Move[]): string {
  const byReason = new Map<Move["why"], number>();
  for (const { why } of moves) byReason.set(why, (byReason.get(why) ?? 0) + 1);
  return [...byReason].map(([why, count]) => `${count} because ${REASONS[why] ?? why}`).join(", ");
}
