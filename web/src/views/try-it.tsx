/** What a source would give, before anything is saved: asked by the server, as its first polls would. */

import type { Preview } from "../api/types.ts";
import { cellText } from "../live/format.ts";
import { cellOf } from "../live/table.ts";
import { isContainer, type Json } from "../protocol/json.ts";
import type { Draft } from "../state/draft.ts";
import { bytes } from "../state/since.ts";
import { isSheet, usualInterval } from "../state/typed.ts";

const ROWS_SHOWN = 6;
const COLUMNS_SHOWN = 8;
const VOLATILE_SHOWN = 5;

export function TryIt({ draft }: { draft: Draft }) {
  const { url } = draft.form.value;
  const preview = draft.preview.value;
  const isTrying = draft.isTrying.value;
  return (
    <section class="try" aria-label="Try it" aria-busy={isTrying}>
      <div class="try-bar">
        <button type="button" aria-disabled={isTrying} disabled={url.trim() === ""} onClick={() => void (isTrying || draft.tryIt())}>
          {isTrying ? "Asking it…" : preview === null ? "Try it" : "Try again"}
        </button>
        <span class="hint" role="status">{isTrying ? asking(url) : verdict(preview)}</span>
      </div>
      {preview?.ok && <Found draft={draft} preview={preview} />}
    </section>
  );
}

function asking(url: string): string {
  return isSheet(url) ? "The server reads the sheet once." : "The server asks the address twice, a second apart.";
}

function verdict(preview: Preview | null): string {
  if (preview === null) return "Not tried yet; it can be saved without.";
  if (!preview.ok) return "That did not work: see below the field.";
  const { document, format } = preview;
  return `${(format ?? "").toUpperCase()}: ${document?.count ?? 0} ${document?.count === 1 ? "row" : "rows"}${document?.at ? ` at ${document.at}` : ""}.`;
}

function Found({ draft, preview }: { draft: Draft; preview: Preview }) {
  const { http, timing, size, volatile, suggested } = preview;
  const everyS = Number(draft.form.value.pollingInterval || usualInterval(draft.form.value.url));
  const perHour = everyS > 0 ? Math.round(3_600 / everyS) : 0;
  return (
    <>
      <dl class="facts small">
        {http !== null && <div><dt>Status</dt><dd>{http.status ?? "–"}</dd></div>}
        <div><dt>Took</dt><dd>{timing.firstMs ?? "–"} ms{timing.secondMs !== null && <small> then {timing.secondMs} ms</small>}</dd></div>
        <div><dt>Size</dt><dd>{bytes(size?.decoded ?? 0)} <small>({bytes(size?.wire ?? 0)} sent)</small></dd></div>
        <div><dt>Polls</dt><dd>{perHour.toLocaleString()} an hour{http?.conditional === "works" && <small>, most of them empty</small>}</dd></div>
      </dl>
      {preview.document && <Sample document={preview.document} />}
      {volatile.length > 0 && (
        <div class="notice">
          <p>
            Changed by themselves within a second:{" "}
            {volatile.slice(0, VOLATILE_SHOWN).map(({ pointer }) => <code key={pointer}>{pointer} </code>)}
            {volatile.length > VOLATILE_SHOWN && `and ${volatile.length - VOLATILE_SHOWN} more`}
          </p>
          {(suggested.ignore ?? []).length > 0 && (
            <button type="button" onClick={() => void draft.ignoreSuggested()}>Ignore {suggested.ignore?.length === 1 ? "it" : "those that are times or chance"}</button>
          )}
        </div>
      )}
    </>
  );
}

function Sample({ document }: { document: NonNullable<Preview["document"]> }) {
  const columns = document.columns.slice(0, COLUMNS_SHOWN);
  const rows = document.rows.slice(0, ROWS_SHOWN);
  if (rows.length === 0) return <p class="hint">It holds no rows yet.</p>;
  return (
    <div class="sample" role="region" aria-label="The first rows" tabIndex={0}>
      <table>
        {columns.length > 0 && <thead><tr>{columns.map((name) => <th key={name} scope="col" data-align={isNumber(rows[0], name) ? "end" : undefined}>{cellText(name)}</th>)}</tr></thead>}
        <tbody>
          {rows.map((row, i) => (
            <tr key={i}>{cellsOf(row, columns).map((value, j) => <td key={j} data-align={typeof value === "number" ? "end" : undefined}>{cellText(value)}</td>)}</tr>
          ))}
        </tbody>
      </table>
      {(document.cut || document.count > rows.length || document.columns.length > columns.length) && (
        <p class="hint">The first {rows.length} of {document.count} rows{document.columns.length > columns.length && `, ${columns.length} of ${document.columns.length} columns`}.</p>
      )}
    </div>
  );
}

/** A name stands over its numbers, not beside them. */
function isNumber(row: Json | undefined, name: string): boolean {
  return isContainer(row) && typeof cellOf(row, name) === "number";
}

function cellsOf(row: Json, columns: readonly string[]): (Json | undefined)[] {
  if (columns.length > 0 && isContainer(row)) return columns.map((name) => cellOf(row, name));
  return Array.isArray(row) ? row.slice(0, COLUMNS_SHOWN) : [row];
}
