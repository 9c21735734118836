/** The dialog that registers the sources of a file: first what would become of each, then the deed. */

import { useState } from "preact/hooks";
import type { Portable } from "../api/types.ts";
import { say } from "../parts/announcer.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { importAll, readFile, type Outcome } from "../state/file.ts";
import { session, writeProblem } from "../state/session.ts";
import { sources } from "../state/sources.ts";

const REFUSED_SHOWN_MAX = 20;

export function ImportSources({ onClose }: { onClose(): void }) {
  const [items, setItems] = useState<Portable[]>([]);
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const [isBusy, setBusy] = useState(false);
  const [isDone, setDone] = useState(false);
  const [why, setWhy] = useState("");
  const run = async (found: Portable[], isDryRun: boolean) => {
    const api = session.value?.api;
    if (api === undefined) return;
    setBusy(true);
    try {
      const what = await importAll(api, found, isDryRun);
      setOutcome(what);
      setDone(!isDryRun);
      setWhy("");
      if (!isDryRun) say(`${what.created} added.`);
    } catch (error) {
      setWhy(writeProblem(error).message);
    }
    setBusy(false);
    if (!isDryRun) void sources.refresh();
  };
  const choose = async (file: File | undefined) => {
    setOutcome(null);
    setDone(false);
    if (file === undefined) return;
    try {
      const found = readFile(await file.text());
      setItems(found);
      await run(found, true);
    } catch (error) {
      setWhy((error as Error).message);
    }
  };
  return (
    <Dialog title="Import sources" onClose={onClose}>
      <div class="field">
        <label for="file">A file that “Export” wrote</label>
        <input id="file" type="file" accept=".json,application/json" onChange={(event) => void choose(event.currentTarget.files?.[0])} />
        <p class="hint">Nothing is registered before you have seen what would become of each. Keys are in no export: a source that had one needs its apiKey in the file.</p>
      </div>
      {why && <p class="error" role="alert">{why}</p>}
      {outcome && <Judged outcome={outcome} isDone={isDone} />}
      <div class="actions">
        <button type="button" onClick={onClose}>{isDone ? "Close" : "Cancel"}</button>
        {!isDone && (
          <button type="button" class="primary" disabled={isBusy || !outcome?.created} onClick={() => void run(items, false)}>
            {isBusy ? "Asking…" : outcome === null ? "Add" : `Add ${outcome.created}`}
          </button>
        )}
      </div>
    </Dialog>
  );
}

function Judged({ outcome: { created, unchanged, refused }, isDone }: { outcome: Outcome; isDone: boolean }) {
  return (
    <div role="status">
      <p><strong>{created}</strong> {isDone ? "added" : "would be added"}, {unchanged} are there already, {refused.length} refused.</p>
      <ul class="refused">{refused.slice(0, REFUSED_SHOWN_MAX).map(({ name, why }, i) => <li key={i}>“{name}”: {why}</li>)}</ul>
      {refused.length > REFUSED_SHOWN_MAX && <p class="muted">and {refused.length - REFUSED_SHOWN_MAX} more</p>}
    </div>
  );
}
