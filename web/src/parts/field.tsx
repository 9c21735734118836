/** A labelled control with its hint, warning and error beside it, all tied to it for a screen reader. */

import type { ComponentChildren } from "preact";
import { capital } from "../state/interval.ts";

interface Props {
  name: string;
  label: string;
  hint?: string | undefined;
  error: string | undefined;
  warning?: string | undefined;
  children(attributes: FieldAttributes): ComponentChildren;
}

export interface FieldAttributes {
  id: string;
  name: string;
  "aria-invalid"?: boolean;
  "aria-describedby"?: string;
}

export function Field({ name, label, hint, error, warning, children }: Props) {
  const id = `field-${name}`;
  const said = [hint && `${id}-hint`, error && `${id}-error`, warning && `${id}-warning`].filter(Boolean).join(" ");
  const attributes: FieldAttributes = { id, name };
  if (said !== "") attributes["aria-describedby"] = said;
  if (error) attributes["aria-invalid"] = true;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children(attributes)}
      {error && <p class="error" id={`${id}-error`}>{capital(error)}</p>}
      {warning && !error && <p class="warn small" id={`${id}-warning`}>{warning}</p>}
      {hint && <p class="hint" id={`${id}-hint`}>{hint}</p>}
    </div>
  );
}
