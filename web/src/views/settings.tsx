/** A source's own page of fields, and what can be done to it. */

import { useEffect, useRef, useState } from "preact/hooks";
import type { Source } from "../api/types.ts";
import { say } from "../parts/announcer.tsx";
import { guardLeaving, leaveAnyway } from "../route.ts";
import { setEnabled } from "../state/bulk.ts";
import { session, writeProblem } from "../state/session.ts";
import { sources } from "../state/sources.ts";
import { submitOnCtrlEnter } from "./add-source.tsx";
import { Conflict } from "./conflict.tsx";
import { Editor, focusFirstError, useDraft } from "./editor.tsx";
import { Remove } from "./remove.tsx";

interface Props {
  source: Source;
  /** The source as it is now, for the rest of the page. */
  changed(source: Source): void;
}

export function Settings({ source, changed }: Props) {
  const draft = useDraft(source);
  useEffect(() => draft.follow(source), [draft, source.revision]);
  useEffect(() => guardLeaving(() => draft.isDirty.peek()), [draft]);
  const form = useRef<HTMLFormElement>(null);
  const saved = (now: Source) => {
    changed(now);
    void sources.refresh();
    say("Saved.");
  };
  const submit = async (event: Event) => {
    event.preventDefault();
    if (!draft.isDirty.value) return;
    const now = await draft.save();
    if (now === null) focusFirstError(form.current, draft);
    else saved(now);
  };
  return (
    <div class="settings">
      <form ref={form} onSubmit={submit} onKeyDown={submitOnCtrlEnter} noValidate>
        <Conflict draft={draft} saved={() => saved(draft.base.value as Source)} />
        <Editor draft={draft} />
        <div class="actions">
          <span class="hint">{draft.isDirty.value ? "Not saved yet." : ""}</span>
          <button type="submit" class="primary" aria-disabled={draft.isSaving.value || !draft.isDirty.value}>{draft.isSaving.value ? "Saving…" : "Save"}</button>
        </div>
      </form>
      <Deeds source={source} changed={saved} />
    </div>
  );
}

function Deeds({ source, changed }: { source: Source; changed(source: Source): void }) {
  const [why, setWhy] = useState("");
  const [isRemoving, setRemoving] = useState(false);
  const act = async (deed: () => Promise<void>) => {
    try {
      await deed();
      setWhy("");
    } catch (error) {
      setWhy(writeProblem(error).message);
    }
  };
  const api = session.value?.api;
  const poll = () => act(async () => {
    await api?.poll(source.id);
    say("It is polled within two seconds.");
  });
  const turn = () => act(async () => {
    if (api !== undefined) changed(await setEnabled(api, source, !source.enabled));
  });
  return (
    <section class="card deeds" aria-label="This source">
      <button type="button" disabled={!source.enabled} onClick={() => void poll()}>Poll now</button>
      <button type="button" onClick={() => void turn()}>{source.enabled ? "Pause" : "Resume"}</button>
      <button type="button" class="danger" onClick={() => setRemoving(true)}>Remove…</button>
      {why && <p class="error" role="alert">{why}</p>}
      <dl class="facts small"><div><dt>Id</dt><dd><code>{source.id}</code></dd></div></dl>
      {isRemoving && <Remove source={source} removed={() => leaveAnyway(() => (location.hash = "#/sources"))} onClose={() => setRemoving(false)} />}
    </section>
  );
}
