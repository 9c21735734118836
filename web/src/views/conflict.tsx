/** Two edits of one source: both versions side by side, and the choice. Nothing typed is lost by looking. */

import type { Draft } from "../state/draft.ts";
import { differences, typedOf, type FieldName } from "../state/typed.ts";

export const LABELS: Readonly<Record<FieldName, string>> = {
  url: "Address", name: "Name", description: "Description", pollingInterval: "Poll every", dataFormat: "Format",
  headers: "Other headers", apiKey: "Access key", authScheme: "Key is sent as", authName: "Header or parameter",
  selector: "Only this part", ignore: "Changes to ignore", unordered: "Lists without order", tolerance: "Numbers may move by",
  ranges: "Ranges", header: "First row names columns", keyColumn: "Key column", tags: "Tags",
};

export function Conflict({ draft, saved }: { draft: Draft; saved(): void }) {
  const theirs = draft.theirs.value;
  if (theirs === null) return null;
  const rows = differences(draft.form.value, typedOf(theirs));
  const keep = async () => {
    if ((await draft.keepMine()) !== null) saved();
  };
  return (
    <section class="conflict" role="alert" aria-label="Edited by somebody else">
      <p><strong>Somebody else saved this source while you were editing.</strong> Nothing of yours was saved yet.</p>
      <table>
        <thead><tr><th scope="col">Field</th><th scope="col">Yours</th><th scope="col">Theirs</th></tr></thead>
        <tbody>
          {rows.map(({ name, mine, theirs: other }) => (
            <tr key={name}><th scope="row">{LABELS[name]}</th><td>{mine || "(empty)"}</td><td>{other || "(empty)"}</td></tr>
          ))}
        </tbody>
      </table>
      {rows.length === 0 && <p>What they saved says the same as what you typed.</p>}
      <div class="actions">
        <button type="button" onClick={() => draft.takeTheirs()}>Take theirs</button>
        <button type="button" class="primary" onClick={() => void keep()}>Save what I changed</button>
      </div>
    </section>
  );
}
