/** The fields of a source: the address first, what is rarely needed folded away. New sources and edits share it. */

import { useMemo, useState } from "preact/hooks";
import { Field } from "../parts/field.tsx";
import type { Source } from "../api/types.ts";
import { Draft } from "../state/draft.ts";
import { session, writeProblem } from "../state/session.ts";
import { isSheet, suggestedName, usualInterval, type FieldName } from "../state/typed.ts";
import { TryIt } from "./try-it.tsx";

const FOLDED: readonly FieldName[] = [
  "headers", "apiKey", "authScheme", "authName", "selector", "ignore", "unordered", "tolerance", "ranges", "header", "keyColumn", "tags", "description",
];

/** A draft over the session that is open now. */
export function useDraft(source: Source | null): Draft {
  return useMemo(() => {
    const api = session.value?.api;
    if (api === undefined) throw new Error("nobody is signed in");
    return new Draft(source, {
      register: (fields) => api.register(fields),
      update: (id, revision, patch) => api.update(id, revision, patch),
      preview: (fields) => api.preview(fields),
      problemOf: writeProblem,
    });
  }, [source?.id]);
}

export function Editor({ draft }: { draft: Draft }) {
  const errors = draft.errors.value;
  const isFoldedWrong = FOLDED.some((name) => errors.has(name) || draft.warnings.value.has(name));
  const [isOpen, setOpen] = useState(false);
  const sheet = isSheet(draft.form.value.url);
  return (
    <>
      <Address draft={draft} />
      <TryIt draft={draft} />
      <Basics draft={draft} isSheet={sheet} />
      <details open={isOpen || isFoldedWrong} onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>{sheet ? "What to watch" : "Access key, headers and what to watch"}</summary>
        {!sheet && <Access draft={draft} />}
        <Watching draft={draft} isSheet={sheet} />
      </details>
      {errors.get("") && <p class="trouble" role="alert">{errors.get("")}</p>}
    </>
  );
}

function Address({ draft }: { draft: Draft }) {
  const { url } = draft.form.value;
  const hint = isSheet(url)
    ? "A Google Sheet. Share it with the stack's service account; if you forget, its state names the address."
    : "The address of a JSON or XML feed, or of a Google Sheet.";
  return <Text draft={draft} name="url" label="Address" hint={hint} type="url" placeholder="https://" autofocus={draft.base.value === null} />;
}

function Basics({ draft, isSheet: sheet }: { draft: Draft; isSheet: boolean }) {
  const { url } = draft.form.value;
  return (
    <>
      <Text draft={draft} name="name" label="Name" placeholder={suggestedName(url)} />
      <div class="columns">
        <Text draft={draft} name="pollingInterval" label="Poll every (seconds)" type="number" min={sheet ? "10" : "1"} max="86400" step="1" placeholder={usualInterval(url)} />
        {!sheet && <Choice draft={draft} name="dataFormat" label="Format" options={[["auto", "Find out"], ["json", "JSON"], ["xml", "XML"]]} />}
      </div>
    </>
  );
}

function Access({ draft }: { draft: Draft }) {
  const { authScheme } = draft.form.value;
  const isNamed = authScheme === "header" || authScheme === "query";
  return (
    <>
      <Secret draft={draft} />
      <div class="columns">
        <Choice draft={draft} name="authScheme" label="Key is sent as"
          options={[["header", "A header"], ["query", "A query parameter"], ["bearer", "A bearer token"], ["basic", "user:password (basic)"]]} />
        {isNamed && <Text draft={draft} name="authName" label={authScheme === "header" ? "Header name" : "Parameter name"} placeholder="X-API-Key" />}
      </div>
      <Lines draft={draft} name="headers" label="Other headers" hint="One a line, as in “Accept: application/json”. A value shown as *** is kept as it is." />
    </>
  );
}

/** A key can be set, replaced and taken away, and never be read. */
function Secret({ draft }: { draft: Draft }) {
  const isSet = Boolean(draft.base.value?.apiKeySecretId);
  const hint = isSet
    ? "A key is set. Type another to replace it; it is never shown."
    : "Stored encrypted, sent to this address only, and never shown again.";
  return (
    <div class="secret">
      <Text draft={draft} name="apiKey" label="Access key" hint={hint} type="password" autocomplete="new-password" placeholder={isSet ? "•••••••• (set)" : ""} />
      {isSet && <button type="button" onClick={() => void draft.removeKey()}>Remove the key</button>}
    </div>
  );
}

function Watching({ draft, isSheet: sheet }: { draft: Draft; isSheet: boolean }) {
  return (
    <>
      {sheet && (
        <>
          <Lines draft={draft} name="ranges" label="Ranges" hint="One a line, as in Prices!A1:D; none is the whole tab." />
          <div class="columns">
            <Choice draft={draft} name="header" label="First row" options={[["true", "Names the columns"], ["false", "Is data like the others"]]} />
            <Text draft={draft} name="keyColumn" label="Key column" hint="Rows are known by its value, not by their place." />
          </div>
        </>
      )}
      <Text draft={draft} name="selector" label="Only this part" hint="A JMESPath expression, such as items[].{id: id, price: price}." />
      <Lines draft={draft} name="ignore" label="Changes to ignore" hint="JSON Pointers, one a line; * stands for any name, as in /items/*/updatedAt." />
      <div class="columns">
        <Lines draft={draft} name="unordered" label="Lists whose order says nothing" hint="JSON Pointers, one a line." />
        <Text draft={draft} name="tolerance" label="Numbers may move by" type="number" min="0" step="any" placeholder="0" hint="without being a change" />
      </div>
      <Text draft={draft} name="tags" label="Tags" hint="Separated by commas." />
      <Text draft={draft} name="description" label="Description" />
    </>
  );
}

interface TextProps {
  draft: Draft;
  name: FieldName;
  label: string;
  hint?: string;
  type?: "text" | "url" | "number" | "password";
  placeholder?: string;
  min?: string;
  max?: string;
  step?: string;
  autocomplete?: "off" | "new-password";
  autofocus?: boolean;
}

function Text({ draft, name, label, hint = "", type = "text", autocomplete = "off", ...rest }: TextProps) {
  return (
    <Field name={name} label={label} hint={hint} error={draft.errors.value.get(name)} warning={draft.warnings.value.get(name)}>
      {(attributes) => (
        <input {...rest} {...attributes} {...typeOf(type)} autocomplete={autocomplete} spellcheck={false} value={draft.form.value[name]}
          onInput={(event) => draft.set(name, event.currentTarget.value)} onChange={() => void draft.committed()} />
      )}
    </Field>
  );
}

/** The types of elements tell each kind of input apart; here one control is any of four, and nothing depends on which. */
function typeOf(type: NonNullable<TextProps["type"]>): { type: "text" } {
  return { type } as { type: "text" };
}

function Lines({ draft, name, label, hint }: { draft: Draft; name: FieldName; label: string; hint: string }) {
  return (
    <Field name={name} label={label} hint={hint} error={draft.errors.value.get(name)} warning={draft.warnings.value.get(name)}>
      {(attributes) => (
        <textarea {...attributes} rows={2} spellcheck={false} value={draft.form.value[name]}
          onInput={(event) => draft.set(name, event.currentTarget.value)} onChange={() => void draft.committed()} />
      )}
    </Field>
  );
}

interface ChoiceProps {
  draft: Draft;
  name: FieldName;
  label: string;
  options: readonly (readonly [value: string, text: string])[];
}

function Choice({ draft, name, label, options }: ChoiceProps) {
  const change = (value: string) => {
    draft.set(name, value);
    void draft.committed();
  };
  return (
    <Field name={name} label={label} error={draft.errors.value.get(name)} warning={draft.warnings.value.get(name)}>
      {(attributes) => (
        <select {...attributes} value={draft.form.value[name]} onChange={(event) => change(event.currentTarget.value)}>
          {options.map(([value, text]) => <option key={value} value={value}>{text}</option>)}
        </select>
      )}
    </Field>
  );
}

/** After the next render: a folded field cannot take the focus before its part is open. */
export function focusFirstError(form: HTMLFormElement | null, draft: Draft): void {
  requestAnimationFrame(() => {
    const inputs = [...(form?.elements ?? [])] as HTMLInputElement[];
    inputs.find(({ name }) => name !== "" && draft.errors.value.has(name))?.focus();
  });
}
