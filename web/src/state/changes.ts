/** The history of one source, newest first: pages of it, and what is new on top while somebody looks. */

import { computed, signal, type ReadonlySignal, type Signal } from "@preact/signals";
import type { Problem } from "../api/problem.ts";
import type { Change } from "../api/types.ts";
import type { Before } from "../protocol/seen.ts";
import { versionsOf, type Version } from "./before.ts";

const PAGE_LENGTH = 50;
/** More is not kept on the page: the oldest loaded ones go. */
const KEPT_MAX = 500;

export interface ChangesPorts {
  fetch(query: { path?: string; cursor?: string; limit: number }): Promise<{ items: Change[]; next?: string }>;
  problemOf(error: unknown): Problem;
  /** What places held before it, where that was seen. */
  seen(change: Change): Before | undefined;
}

export class Changes {
  readonly path: Signal<string> = signal("");
  readonly problem: Signal<Problem | null> = signal(null);
  readonly isLoading = signal(false);
  readonly hasMore = signal(false);
  /** null before the first answer. */
  readonly versions: ReadonlySignal<Version[] | null>;
  private readonly items: Signal<Change[] | null> = signal(null);
  private readonly ports: ChangesPorts;
  private cursor: string | undefined;
  private round = 0;

  constructor(ports: ChangesPorts) {
    this.ports = ports;
    this.versions = computed(() => this.items.value && versionsOf(this.items.value, ports.seen, this.path.value !== ""));
  }

  /** Show only what touched this place (a JSON Pointer; empty is everything). */
  async filter(path: string): Promise<void> {
    this.path.value = path;
    this.items.value = null;
    await this.start();
  }

  async start(): Promise<void> {
    await this.load(undefined, (page, next) => {
      this.items.value = page;
      this.cursor = next;
      this.hasMore.value = next !== undefined;
    });
  }

  async more(): Promise<void> {
    if (this.cursor === undefined || this.isLoading.value) return;
    await this.load(this.cursor, (page, next) => {
      this.items.value = [...(this.items.value ?? []), ...page].slice(0, KEPT_MAX);
      this.cursor = next;
      this.hasMore.value = next !== undefined && this.items.value.length < KEPT_MAX;
    });
  }

  /** Something changed: put what is new on top. Where a whole page is new, what lies between is dropped, not hidden. */
  async catchUp(): Promise<void> {
    const held = this.items.value;
    if (held === null || this.isLoading.value) return;
    await this.load(undefined, (page, next) => {
      const at = page.findIndex((change) => held[0] !== undefined && isSame(change, held[0]));
      if (at >= 0) {
        this.items.value = [...page.slice(0, at), ...held].slice(0, KEPT_MAX);
        return;
      }
      this.items.value = page;
      this.cursor = next;
      this.hasMore.value = next !== undefined;
    });
  }

  private async load(cursor: string | undefined, take: (page: Change[], next: string | undefined) => void): Promise<void> {
    const round = ++this.round;
    this.isLoading.value = true;
    const path = this.path.value === "" ? {} : { path: this.path.value };
    try {
      const page = await this.ports.fetch({ limit: PAGE_LENGTH, ...path, ...(cursor === undefined ? {} : { cursor }) });
      if (round !== this.round) return;
      take(page.items, page.next || undefined);
      this.problem.value = null;
    } catch (error) {
      if (round === this.round) this.problem.value = this.ports.problemOf(error);
    } finally {
      if (round === this.round) this.isLoading.value = false;
    }
  }
}

function isSame(a: Change, b: Change): boolean {
  return a.incarnation === b.incarnation && a.version === b.version;
}
