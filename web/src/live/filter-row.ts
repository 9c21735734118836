/** The row of fields below the titles: what is typed above a column narrows the table to the rows that match. */

import { make, setAttribute } from "./dom.ts";

export class FilterRow {
  readonly row: HTMLElement;
  private readonly typed: Map<string, string>;
  private readonly changed: () => void;

  /** `typed`: by column; only what is not blank. */
  constructor(typed: Map<string, string>, changed: () => void) {
    this.typed = typed;
    this.changed = changed;
    this.row = make("div", "grid-row grid-filters", { role: "row", "aria-rowindex": "2" });
    this.row.hidden = true;
    this.row.addEventListener("input", (event) => this.type(event.target as HTMLInputElement));
  }

  get isShown(): boolean {
    return !this.row.hidden;
  }

  /** Hidden fields narrow nothing: nobody would see why rows are missing. */
  show(isShown: boolean): void {
    this.row.hidden = !isShown;
    if (!isShown) this.typed.clear();
  }

  /** Make the cell the field of a column; null is the corner, which has none. */
  fit(cell: HTMLElement, key: string | null): void {
    const input = cell.querySelector("input") ?? cell.appendChild(document.createElement("input"));
    input.hidden = key === null;
    // The fields are used again for other columns: what is typed next must not go to another one.
    if (input.dataset["key"] !== key && input === document.activeElement) input.blur();
    input.dataset["key"] = key ?? "";
    input.placeholder = "filter";
    setAttribute(input, "aria-label", `Filter ${key ?? ""}`);
    setAttribute(input, "title", "words, > 5, <= 5, = text, ! text");
    const typed = this.typed.get(key ?? "") ?? "";
    if (input.value !== typed && input !== document.activeElement) input.value = typed;
  }

  private type(input: HTMLInputElement): void {
    const key = input.dataset["key"] ?? "";
    if (input.value.trim() === "") this.typed.delete(key);
    else this.typed.set(key, input.value);
    this.changed();
  }
}
