/** Asks before what cannot be undone. */

import { useState } from "preact/hooks";
import { Dialog } from "./dialog.tsx";

interface Props {
  title: string;
  text: string;
  act: string;
  onConfirm(): Promise<string | null>;
  onClose(): void;
}

/** `onConfirm` resolves to what went wrong, or null. */
export function Confirm({ title, text, act, onConfirm, onClose }: Props) {
  const [isBusy, setBusy] = useState(false);
  const [why, setWhy] = useState<string | null>(null);
  const confirm = async () => {
    if (isBusy) return;
    setBusy(true);
    const problem = await onConfirm();
    setBusy(false);
    setWhy(problem);
    if (problem === null) onClose();
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <p>{text}</p>
      {why && <p class="error" role="alert">{why}</p>}
      <div class="actions">
        <button type="button" onClick={onClose} autofocus>Cancel</button>
        <button type="button" class="danger" aria-disabled={isBusy} onClick={confirm}>{act}</button>
      </div>
    </Dialog>
  );
}
