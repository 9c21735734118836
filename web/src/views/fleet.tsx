/** The workers: who lives, who owns what. */

import { useEffect } from "preact/hooks";
import type { FleetKind, Worker } from "../api/types.ts";
import { Empty, Trouble } from "../parts/empty.tsx";
import { Since } from "../parts/since.tsx";
import { fleet } from "../state/fleet.ts";
import { duration } from "../state/since.ts";

const TITLES: Readonly<Record<string, string>> = { external: "Feeds", googleSheet: "Google Sheets" };
/** As many colours as the style sheet has; owners beyond them share. */
const COLOURS = 8;

export function FleetPage() {
  useEffect(() => fleet.start(), []);
  const problem = fleet.problem.value;
  const kinds = Object.entries(fleet.value.value?.kinds ?? {});
  return (
    <>
      <div class="page-head"><h1>Fleet</h1></div>
      {problem && <Trouble title="The fleet could not be read." why={problem.message} retry={() => void fleet.refresh()} />}
      {kinds.map(([kind, about]) => <Kind key={kind} title={TITLES[kind] ?? kind} about={about} />)}
    </>
  );
}

function Kind({ title, about }: { title: string; about: FleetKind }) {
  const workers = [...about.workers].sort((a, b) => a.id.localeCompare(b.id));
  const colours = new Map(workers.map(({ id }, i) => [id, i % COLOURS]));
  const unowned = about.shards - Object.keys(about.owners).length;
  return (
    <section class="card fleet">
      <h2>{title}</h2>
      <p class="muted">
        {workers.length} {workers.length === 1 ? "worker" : "workers"}, {about.shards} shards
        {unowned > 0 && <strong class="warn">, {unowned} without an owner</strong>}
      </p>
      {workers.length === 0 ? <Empty title="No worker has joined" /> : <Workers workers={workers} colours={colours} />}
      <ShardMap about={about} colours={colours} />
    </section>
  );
}

function Workers({ workers, colours }: { workers: Worker[]; colours: ReadonlyMap<string, number> }) {
  return (
    <table class="list">
      <thead><tr><th>Worker</th><th>State</th><th class="end">Last heartbeat</th><th class="end">Shards</th><th class="end">Load</th><th class="end">Behind by</th></tr></thead>
      <tbody>
        {workers.map((worker) => (
          <tr key={worker.id}>
            <td class="name"><span class="swatch" data-colour={colours.get(worker.id)} aria-hidden="true" /> <code>{worker.id}</code></td>
            <td data-label="State">{worker.state}</td>
            <td data-label="Last heartbeat" class="end"><Since atMs={worker.beatAt === null ? null : Date.parse(worker.beatAt)} /></td>
            <td data-label="Shards" class="end">{worker.owned}</td>
            <td data-label="Load" class="end">{Math.round(worker.load * 100) / 100}</td>
            <td data-label="Behind by" class="end">{duration(worker.overdueMs)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** A cell per shard. The table above says the same in numbers, so for a screen reader this is one picture. */
function ShardMap({ about, colours }: { about: FleetKind; colours: ReadonlyMap<string, number> }) {
  const shards = Array.from({ length: about.shards }, (_, shard) => about.owners[String(shard)] ?? null);
  const owned = shards.filter((owner) => owner !== null).length;
  return (
    <div class="shards" role="img" aria-label={`${owned} of ${about.shards} shards have an owner`}>
      {shards.map((owner, shard) => (
        <span key={shard} class="swatch" data-colour={owner === null ? "none" : (colours.get(owner) ?? "gone")} title={`shard ${shard}: ${owner ?? "no owner"}`} />
      ))}
    </div>
  );
}
