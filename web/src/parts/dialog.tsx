/** A modal dialog that is open as long as it is rendered. */

import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";

/** Those that are open, the topmost last: Escape is for that one. */
const open: object[] = [];

interface Props {
  title: string;
  isWide?: boolean;
  /** Asked to close by Escape. It stays open until its owner no longer renders it. */
  onClose(): void;
  children: ComponentChildren;
}

export function Dialog({ title, isWide = false, onClose, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  const close = useRef(onClose);
  close.current = onClose;
  useEffect(() => {
    const element = dialog.current as HTMLDialogElement;
    const before = document.activeElement as HTMLElement;
    element.showModal();
    open.push(dialog);
    // On the whole page: the focus may be on nothing, where what had it is gone.
    const escape = (event: KeyboardEvent) => {
      // What is being composed, or a list of choices that is open, is what it ends first.
      if (event.key !== "Escape" || event.isComposing || isChoosing()) return;
      // Or the browser closes it, whatever its owner says to that.
      event.preventDefault();
      if (open.at(-1) === dialog) close.current();
    };
    document.addEventListener("keydown", escape);
    return () => {
      open.splice(open.indexOf(dialog), 1);
      document.removeEventListener("keydown", escape);
      giveBack(before, element);
    };
  }, []);
  return (
    <dialog ref={dialog} class={isWide ? "wide" : ""} aria-labelledby={titleId} onCancel={(event) => event.preventDefault()}>
      <h2 id={titleId}>{title}</h2>
      {children}
    </dialog>
  );
}

/** What had the focus before has it again, or the page if that is gone: the browser gives it to nobody. */
function giveBack(before: HTMLElement, dialog: HTMLElement): void {
  const now = document.activeElement;
  if (now !== document.body && !dialog.contains(now)) return;
  const to = before.isConnected && before !== document.body ? before : document.getElementById("main");
  to?.focus({ preventScroll: true });
}

/** Only where the page draws the list itself does it hear the keys in it. */
function isChoosing(): boolean {
  return CSS.supports("selector(select:open)") && document.querySelector("select:open") !== null;
}
