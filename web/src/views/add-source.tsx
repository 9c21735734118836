/** The form that adds a source: the address first, everything that is rarely needed folded away. */

import { useRef, useState } from "preact/hooks";
import { say } from "../parts/announcer.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { Field } from "../parts/field.tsx";
import { isSheet, suggestedName, toFields, toSource } from "../state/new-source.ts";
import { session, writeProblem } from "../state/session.ts";
import { sources } from "../state/sources.ts";

type Errors = ReadonlyMap<string, string>;

const FOLDED = ["headers", "apiKey", "authScheme", "authName", "selector", "ignore", "keyColumn", "tags"];

export function AddSource({ onClose }: { onClose(): void }) {
  const form = useRef<HTMLFormElement>(null);
  const [url, setUrl] = useState("");
  const [errors, setErrors] = useState<Errors>(new Map());
  const [isBusy, setBusy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    const failed = await register(form.current as HTMLFormElement);
    setBusy(false);
    setErrors(failed ?? new Map());
    if (failed === null) onClose();
    else focusFirst(form.current as HTMLFormElement, failed);
  };
  return (
    <Dialog title="Add a source" isWide onClose={onClose}>
      <form ref={form} onSubmit={submit} noValidate>
        <Basics errors={errors} url={url} setUrl={setUrl} />
        <details open={FOLDED.some((name) => errors.has(name)) || undefined}>
          <summary>Access key, headers and what to watch</summary>
          <Access errors={errors} />
          <Watching errors={errors} />
        </details>
        {errors.get("") && <p class="trouble" role="alert">{errors.get("")}</p>}
        <div class="actions">
          <button type="button" onClick={onClose}>Cancel</button>
          <button type="submit" class="primary" disabled={isBusy}>{isBusy ? "Adding…" : "Add source"}</button>
        </div>
      </form>
    </Dialog>
  );
}

function Basics({ errors, url, setUrl }: { errors: Errors; url: string; setUrl(url: string): void }) {
  const hint = isSheet(url) ? "A Google Sheet." : "The address of a JSON or XML feed.";
  return (
    <>
      <Field name="url" label="Address" hint={hint} error={errors.get("url")}>
        {(attributes) => (
          <input {...attributes} type="url" placeholder="https://" autofocus autocomplete="off" spellcheck={false}
            value={url} onInput={(event) => setUrl(event.currentTarget.value)} />
        )}
      </Field>
      <Field name="name" label="Name" error={errors.get("name")}>
        {(attributes) => <input {...attributes} autocomplete="off" placeholder={suggestedName(url)} />}
      </Field>
      <div class="columns">
        <Field name="pollingInterval" label="Poll every (seconds)" error={errors.get("pollingInterval")}>
          {(attributes) => <input {...attributes} type="number" min="1" max="86400" step="1" defaultValue={isSheet(url) ? "30" : "10"} />}
        </Field>
        <Field name="dataFormat" label="Format" error={errors.get("dataFormat")}>
          {(attributes) => (
            <select {...attributes}>
              <option value="auto">Find out</option>
              <option value="json">JSON</option>
              <option value="xml">XML</option>
            </select>
          )}
        </Field>
      </div>
    </>
  );
}

function Access({ errors }: { errors: Errors }) {
  return (
    <>
      <Field name="apiKey" label="Access key" error={errors.get("apiKey")} hint="Stored encrypted, sent to this address only, and never shown again.">
        {(attributes) => <input {...attributes} type="password" autocomplete="new-password" spellcheck={false} />}
      </Field>
      <div class="columns">
        <Field name="authScheme" label="Key is sent as" error={errors.get("authScheme")}>
          {(attributes) => (
            <select {...attributes}>
              <option value="header">A header</option>
              <option value="query">A query parameter</option>
              <option value="bearer">A bearer token</option>
              <option value="basic">user:password (basic)</option>
            </select>
          )}
        </Field>
        <Field name="authName" label="Header or parameter name" error={errors.get("authName")}>
          {(attributes) => <input {...attributes} placeholder="X-API-Key" autocomplete="off" spellcheck={false} />}
        </Field>
      </div>
      <Field name="headers" label="Other headers" error={errors.get("headers")} hint="One a line, as in “Accept: application/json”.">
        {(attributes) => <textarea {...attributes} rows={2} spellcheck={false} />}
      </Field>
    </>
  );
}

function Watching({ errors }: { errors: Errors }) {
  return (
    <>
      <Field name="selector" label="Only this part" error={errors.get("selector")} hint="A JMESPath expression, such as items[].{id: id, price: price}.">
        {(attributes) => <input {...attributes} autocomplete="off" spellcheck={false} />}
      </Field>
      <Field name="ignore" label="Changes to ignore" error={errors.get("ignore")} hint="JSON Pointers, one a line; * stands for any name, as in /items/*/updatedAt.">
        {(attributes) => <textarea {...attributes} rows={2} spellcheck={false} />}
      </Field>
      <div class="columns">
        <Field name="keyColumn" label="Key column" error={errors.get("keyColumn")} hint="What tells one row from another.">
          {(attributes) => <input {...attributes} autocomplete="off" spellcheck={false} />}
        </Field>
        <Field name="tags" label="Tags" error={errors.get("tags")} hint="Separated by commas.">
          {(attributes) => <input {...attributes} autocomplete="off" />}
        </Field>
      </div>
    </>
  );
}

/** Null when it worked, else what is wrong with which field. */
async function register(form: HTMLFormElement): Promise<Errors | null> {
  const typed = Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, String(value)]));
  if (!typed["url"]?.trim()) return new Map([["url", "An address is needed."]]);
  try {
    const source = await session.value?.api.register(toSource(typed));
    say(`${source?.name} was added.`);
    void sources.refresh();
    return null;
  } catch (error) {
    const problem = writeProblem(error);
    const fields = toFields(problem.errors);
    return fields.size > 0 ? fields : new Map([["", problem.message]]);
  }
}

function focusFirst(form: HTMLFormElement, errors: Errors): void {
  // After the next render: a folded field cannot take the focus before its part is open.
  requestAnimationFrame(() => {
    const inputs = [...form.elements] as HTMLInputElement[];
    inputs.find(({ name }) => name !== "" && errors.has(name))?.focus();
  });
}
