/** The dialog that adds a source. */

import { useEffect, useRef } from "preact/hooks";
import { say } from "../parts/announcer.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { guardLeaving, leave } from "../route.ts";
import { sources } from "../state/sources.ts";
import { Editor, focusFirstError, useDraft } from "./editor.tsx";

export function AddSource({ onClose }: { onClose(): void }) {
  const draft = useDraft(null);
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => guardLeaving(() => draft.isDirty.peek()), [draft]);
  const submit = async (event: Event) => {
    event.preventDefault();
    const source = await draft.save();
    if (source === null) return focusFirstError(form.current, draft);
    say(`${source.name} was added.`);
    void sources.refresh();
    onClose();
  };
  return (
    <Dialog title="Add a source" isWide onClose={() => leave(onClose)}>
      <form ref={form} onSubmit={submit} onKeyDown={submitOnCtrlEnter} noValidate>
        <Editor draft={draft} />
        <div class="actions">
          <button type="button" onClick={() => leave(onClose)}>Cancel</button>
          <button type="submit" class="primary" aria-disabled={draft.isSaving.value}>{draft.isSaving.value ? "Adding…" : "Add source"}</button>
        </div>
      </form>
    </Dialog>
  );
}

export function submitOnCtrlEnter(event: KeyboardEvent): void {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  (event.currentTarget as HTMLFormElement).requestSubmit();
}
