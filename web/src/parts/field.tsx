/** A labelled control with its hint and its error beside it, both tied to it for a screen reader. */

import type { ComponentChildren } from "preact";

interface Props {
  name: string;
  label: string;
  hint?: string;
  error: string | undefined;
  children(attributes: FieldAttributes): ComponentChildren;
}

export interface FieldAttributes {
  id: string;
  name: string;
  "aria-invalid"?: boolean;
  "aria-describedby": string;
}

export function Field({ name, label, hint, error, children }: Props) {
  const id = `field-${name}`;
  const attributes = { id, name, "aria-describedby": `${id}-hint ${id}-error` };
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children(error ? { ...attributes, "aria-invalid": true } : attributes)}
      {error && <p class="error" id={`${id}-error`}>{error}</p>}
      {hint && <p class="hint" id={`${id}-hint`}>{hint}</p>}
    </div>
  );
}
