/** A source being typed: new, or an edit of one. Everything the form shows, and nothing of how it shows it. */

import { computed, signal, type ReadonlySignal, type Signal } from "@preact/signals";
import { Problem } from "../api/problem.ts";
import type { NewSource, Patch, Preview, Source } from "../api/types.ts";
import {
  differences, failureOf, toFields, toPatch, toPreview, toSource, typed, typedOf, warningsOf, withLines,
  type FieldName, type Messages, type Typed,
} from "./typed.ts";

export interface DraftPorts {
  register(source: NewSource): Promise<Source>;
  update(id: string, revision: number, patch: Patch): Promise<Source>;
  preview(source: NewSource): Promise<Preview>;
  /** Make of any failure of a write the one kind of error. */
  problemOf(error: unknown): Problem;
}

const NONE: Messages = new Map();

export class Draft {
  readonly form: Signal<Typed>;
  /** What is edited, as it was read; null for a new source. */
  readonly base: Signal<Source | null>;
  readonly errors: Signal<Messages> = signal(NONE);
  readonly warnings: Signal<Messages> = signal(NONE);
  readonly preview: Signal<Preview | null> = signal(null);
  readonly isTrying = signal(false);
  readonly isSaving = signal(false);
  /** What somebody else made of the source meanwhile; the edit waits for a decision. */
  readonly theirs: Signal<Source | null> = signal(null);
  readonly isDirty: ReadonlySignal<boolean>;
  private readonly ports: DraftPorts;
  private round = 0;

  constructor(source: Source | null, ports: DraftPorts) {
    this.ports = ports;
    this.base = signal(source);
    this.form = signal(source === null ? typed() : typedOf(source));
    this.isDirty = computed(() => {
      const before: Typed = this.base.value === null ? typed() : typedOf(this.base.value);
      return Object.entries(this.form.value).some(([name, text]) => text.trim() !== before[name as FieldName].trim());
    });
  }

  set(name: FieldName, text: string): void {
    this.form.value = { ...this.form.value, [name]: text };
    if (!this.errors.value.has(name)) return;
    const left = new Map(this.errors.value);
    left.delete(name);
    this.errors.value = left;
  }

  /** Look at the source as it would be. Only the newest answer counts. */
  async tryIt(): Promise<void> {
    if (!this.hasAddress()) return;
    const round = ++this.round;
    this.isTrying.value = true;
    try {
      const preview = await this.ports.preview(toPreview(this.form.value, this.base.value));
      if (round !== this.round) return;
      this.preview.value = preview;
      this.errors.value = failureOf(preview);
      this.warnings.value = warningsOf(preview);
    } catch (error) {
      if (round === this.round) this.failed(error);
    } finally {
      if (round === this.round) this.isTrying.value = false;
    }
  }

  /** What was tried is no longer what is typed: look again. */
  async committed(): Promise<void> {
    if (this.preview.value !== null) await this.tryIt();
  }

  /** Take over what the server suggests not to watch. */
  async ignoreSuggested(): Promise<void> {
    this.set("ignore", withLines(this.form.value.ignore, this.preview.value?.suggested.ignore ?? []));
    await this.tryIt();
  }

  /** The source as it was saved, or null: then `errors` or `theirs` say why. */
  async save(): Promise<Source | null> {
    if (this.isSaving.value || !this.hasAddress()) return null;
    this.isSaving.value = true;
    try {
      const source = await this.send();
      this.restart(source);
      return source;
    } catch (error) {
      this.failed(error);
      return null;
    } finally {
      this.isSaving.value = false;
    }
  }

  async removeKey(): Promise<void> {
    const base = this.base.value;
    if (base === null) return;
    try {
      const source = await this.ports.update(base.id, base.revision, { apiKey: null });
      this.base.value = source;
    } catch (error) {
      this.failed(error);
    }
  }

  /** The source has a newer revision. What was typed is kept where the two differ: then saving shows both. */
  follow(source: Source): void {
    const base = this.base.value;
    if (base === null || source.revision <= base.revision || this.isSaving.value) return;
    const isAlike = differences(typedOf(base), typedOf(source)).length === 0;
    if (!this.isDirty.value) this.restart(source);
    else if (isAlike) this.base.value = source;
  }

  /** Go on from what the other one saved, and forget mine. */
  takeTheirs(): void {
    if (this.theirs.value !== null) this.restart(this.theirs.value);
  }

  /** Save what I changed over what the other one saved; their other fields stay. */
  async keepMine(): Promise<Source | null> {
    const [base, theirs] = [this.base.value, this.theirs.value];
    if (base === null || theirs === null || this.isSaving.value) return null;
    const mine = toPatch(base, this.form.value);
    this.isSaving.value = true;
    try {
      const source = await this.ports.update(theirs.id, theirs.revision, mine);
      this.restart(source); // only now are the two versions gone: while they are shown, nothing is saved
      return source;
    } catch (error) {
      this.failed(error);
      return null;
    } finally {
      this.isSaving.value = false;
    }
  }

  private send(): Promise<Source> {
    const base = this.base.value;
    if (base === null) return this.ports.register(toSource(this.form.value));
    return this.ports.update(base.id, base.revision, toPatch(base, this.form.value));
  }

  private restart(source: Source): void {
    this.round += 1;
    this.base.value = source;
    this.form.value = typedOf(source);
    [this.errors.value, this.warnings.value, this.preview.value, this.theirs.value] = [NONE, NONE, null, null];
    this.isTrying.value = false;
  }

  private hasAddress(): boolean {
    if (this.form.value.url.trim() !== "") return true;
    this.errors.value = new Map([["url", "An address is needed."]]);
    return false;
  }

  private failed(error: unknown): void {
    const problem = this.ports.problemOf(error);
    if (problem.status === 412 && problem.current !== undefined) {
      this.theirs.value = problem.current as Source;
      return;
    }
    const fields = toFields(problem.errors);
    // Another origin is another source: that is to be mended in the address.
    const place = problem.status === 409 && this.base.value !== null ? "url" : "";
    this.errors.value = fields.size > 0 ? fields : new Map([[place, problem.message]]);
  }
}
