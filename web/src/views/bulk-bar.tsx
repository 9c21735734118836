/** What can be done to all chosen sources at once. */

import { useState } from "preact/hooks";
import type { Summary } from "../api/types.ts";
import { say } from "../parts/announcer.tsx";
import { Confirm } from "../parts/confirm.tsx";
import { each, setEnabled, type Failure } from "../state/bulk.ts";
import { session, writeProblem } from "../state/session.ts";
import { chosen, chosenSources, choose, sources } from "../state/sources.ts";

const NAMED_MAX = 3;

export function BulkBar() {
  const [isBusy, setBusy] = useState(false);
  const [isRemoving, setRemoving] = useState(false);
  const [failures, setFailures] = useState<readonly Failure[]>([]);
  const items = chosenSources.value;
  if (items.length === 0 && failures.length === 0) return null;
  const all = async (deed: string, act: (source: Summary) => Promise<unknown>) => {
    setBusy(true);
    const failed = await each(items, act);
    setBusy(false);
    setFailures(failed);
    say(`${items.length - failed.length} ${deed}.`);
    await sources.refresh();
    return failed;
  };
  const enable = (enabled: boolean) => all(enabled ? "resumed" : "paused", (source) => told(setEnabled(apiOf(), source, enabled)));
  const remove = async () => {
    const failed = await all("removed", (source) => told(apiOf().remove(source.id)));
    choose(items.map(({ id }) => id), false);
    return failed.length === 0 ? null : words(failed);
  };
  return (
    <div class="bulk" role="group" aria-label="Chosen sources">
      {items.length > 0 && (
        <>
          <strong>{items.length} chosen</strong>
          <Deed text="Pause" isOff={isBusy || items.every(({ enabled }) => !enabled)} act={() => void enable(false)} />
          <Deed text="Resume" isOff={isBusy || items.every(({ enabled }) => enabled)} act={() => void enable(true)} />
          <Deed text="Remove…" isOff={isBusy} act={() => setRemoving(true)} />
          <button type="button" class="quiet" onClick={() => choose([...chosen.value], false)}>Choose none</button>
        </>
      )}
      {failures.length > 0 && (
        <p class="error" role="alert">
          {words(failures)} <button type="button" class="inline" onClick={() => setFailures([])}>Dismiss</button>
        </p>
      )}
      {isRemoving && (
        <Confirm title={`Remove ${items.length} ${items.length === 1 ? "source" : "sources"}?`} act="Remove"
          text={`${names(items)}: no longer polled, and their data and keys are deleted. This cannot be undone.`}
          onConfirm={remove} onClose={() => setRemoving(false)} />
      )}
    </div>
  );
}

/** Off, it keeps the focus: who pressed it by a key would else be thrown to the top of the page. */
function Deed({ text, isOff, act }: { text: string; isOff: boolean; act(): void }) {
  return <button type="button" aria-disabled={isOff} onClick={() => isOff || act()}>{text}</button>;
}

function apiOf() {
  const api = session.value?.api;
  if (api === undefined) throw new Error("nobody is signed in");
  return api;
}

/** A refused token signs out; the failure is still this source's. */
function told<T>(done: Promise<T>): Promise<T> {
  return done.catch((error: unknown) => {
    throw writeProblem(error);
  });
}

function names(items: readonly { name: string }[]): string {
  const more = items.length - NAMED_MAX;
  return items.slice(0, NAMED_MAX).map(({ name }) => `“${name}”`).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

function words(failures: readonly Failure[]): string {
  return `Not done for ${names(failures)}: ${failures[0]?.why ?? ""}`;
}
