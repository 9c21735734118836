/** What each key does; single letters can be switched off. */

import { Dialog } from "../parts/dialog.tsx";
import { hasLetters } from "../parts/keys.ts";

const KEYS: readonly (readonly [where: string, keys: readonly (readonly [key: string, what: string])[]])[] = [
  ["Everywhere", [["g s", "sources"], ["g f", "fleet"], ["?", "this list"], ["Esc", "close what is open"]]],
  ["Sources", [["/", "search"], ["n", "add a source"]]],
  ["One source", [["e", "settings"], ["Space", "hold the page still, and go on"], ["r", "sort and filter again"]]],
  ["In a table or tree", [
    ["↑ ↓ ← →", "move; in a tree open and close"], ["Home End", "first and last of the row"], ["Ctrl+Home Ctrl+End", "first and last of all"],
    ["PageUp PageDown", "a screen further"], ["Enter", "sort by this title; turn a branch over"], ["Shift+arrows", "select a block; on a title make the column wider or narrower"],
    ["Ctrl+C", "copy what is selected"],
  ]],
  ["Changes", [["← → or j k", "step from version to version"]]],
  ["A chart", [["← → Home End", "read another moment of it"]]],
];

export function Help({ onClose }: { onClose(): void }) {
  return (
    <Dialog title="Keys" onClose={onClose}>
      <div class="keys" tabIndex={0} role="group" aria-label="All keys">
        {KEYS.map(([where, keys]) => (
          <section key={where}>
            <h3>{where}</h3>
            <dl>{keys.map(([key, what]) => <div key={key}><dt><kbd>{key}</kbd></dt><dd>{what}</dd></div>)}</dl>
          </section>
        ))}
      </div>
      <label class="check">
        <input type="checkbox" checked={hasLetters.value} onChange={(event) => (hasLetters.value = event.currentTarget.checked)} /> Single letters are keys
      </label>
      <div class="actions"><button type="button" class="primary" onClick={onClose}>Close</button></div>
    </Dialog>
  );
}
