/** The dialog that adds a source. */

import { useRef, useState } from "preact/hooks";
import { say } from "../parts/announcer.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { sources } from "../state/sources.ts";
import { Editor, focusFirstError, useDraft } from "./editor.tsx";

export function AddSource({ onClose }: { onClose(): void }) {
  const draft = useDraft(null);
  const form = useRef<HTMLFormElement>(null);
  const [isLeaving, setLeaving] = useState(false);
  const leave = () => (draft.isDirty.value ? setLeaving(true) : onClose());
  const submit = async (event: Event) => {
    event.preventDefault();
    const source = await draft.save();
    if (source === null) return focusFirstError(form.current, draft);
    say(`${source.name} was added.`);
    void sources.refresh();
    onClose();
  };
  return (
    <Dialog title="Add a source" isWide onClose={leave}>
      <form ref={form} onSubmit={submit} onKeyDown={submitOnCtrlEnter} noValidate>
        <Editor draft={draft} />
        {isLeaving ? (
          <div class="actions" role="alert">
            <span>Throw away what you typed?</span>
            <button type="button" onClick={() => setLeaving(false)}>Keep editing</button>
            <button type="button" class="danger" onClick={onClose}>Throw away</button>
          </div>
        ) : (
          <div class="actions">
            <button type="button" onClick={leave}>Cancel</button>
            <button type="submit" class="primary" disabled={draft.isSaving.value}>{draft.isSaving.value ? "Adding…" : "Add source"}</button>
          </div>
        )}
      </form>
    </Dialog>
  );
}

export function submitOnCtrlEnter(event: KeyboardEvent): void {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  (event.currentTarget as HTMLFormElement).requestSubmit();
}
