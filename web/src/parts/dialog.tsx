/** A modal dialog that is open as long as it is rendered. */

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

interface Props {
  title: string;
  isWide?: boolean;
  /** Asked to close by Escape. It stays open until its owner no longer renders it. */
  onClose(): void;
  children: ComponentChildren;
}

export function Dialog({ title, isWide = false, onClose, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const close = useRef(onClose);
  close.current = onClose;
  useEffect(() => {
    dialog.current?.showModal();
    // On the whole page: the focus may be on nothing, where what had it is gone.
    const escape = (event: KeyboardEvent) => {
      if (event.key !== "Escape") return;
      // Or the browser closes it, whatever its owner says to that.
      event.preventDefault();
      close.current();
    };
    document.addEventListener("keydown", escape);
    return () => document.removeEventListener("keydown", escape);
  }, []);
  return (
    <dialog ref={dialog} class={isWide ? "wide" : ""} aria-labelledby="dialog-title" onCancel={(event) => event.preventDefault()}>
      <h2 id="dialog-title">{title}</h2>
      {children}
    </dialog>
  );
}
