/** The HTTP API, one method per endpoint this page uses. */

import { Problem, problemOf, unreachable } from "./problem.ts";
import type { Change, Document, Fleet, Imported, NewSource, Patch, Portable, Preview, Series, Source, Summary } from "./types.ts";

const ANSWER_WITHIN_MS = 20_000;
const PAGE_LENGTH = 100;
/** A list longer than this is cut: the page would not be usable with it. */
const PAGES_MAX = 50;
const UNAUTHORIZED = 401;
/** The gateway says 403 of a token that is not good any more as of one that may not do this. */
const REFUSED: readonly number[] = [UNAUTHORIZED, 403];

/** What a request shows to be let in. */
export interface Tokens {
  /** null: it was refused, and there is no other yet. Then nothing is asked. */
  now(): string | null;
  /** Get another one; false where there is none. */
  renew(): Promise<boolean>;
}

export class Api {
  private readonly base: URL;
  private readonly tokens: Tokens;
  private readonly heardTime: (serverMs: number) => void;

  /** `heardTime` is told the server's time with each answer, or NaN. */
  constructor(apiUrl: string, tokens: Tokens, heardTime: (serverMs: number) => void) {
    this.base = new URL(apiUrl.endsWith("/") ? apiUrl : `${apiUrl}/`, location.href);
    this.tokens = tokens;
    this.heardTime = heardTime;
  }

  /** As many as the page can show; `isCut` where there are more. */
  sources(): Promise<{ items: Summary[]; isCut: boolean }> {
    return this.pages("datasources", PAGES_MAX);
  }

  /** All of them: a copy that lacks some without a word would be found out when it is needed. */
  async exportSources(): Promise<Portable[]> {
    return (await this.pages<Portable>("datasources/export", Number.POSITIVE_INFINITY)).items;
  }

  importSources(items: readonly Portable[], isDryRun: boolean): Promise<Imported> {
    return this.json("POST", `datasources/import?dryRun=${isDryRun}`, { items });
  }

  private async pages<T>(path: string, pagesMax: number): Promise<{ items: T[]; isCut: boolean }> {
    const items: T[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < pagesMax; page += 1) {
      const after = cursor === undefined ? "" : `&cursor=${encodeURIComponent(cursor)}`;
      const answer = await this.json<{ items: T[]; next?: string }>("GET", `${path}?limit=${PAGE_LENGTH}${after}`);
      items.push(...answer.items);
      cursor = answer.next;
      if (cursor === undefined) return { items, isCut: false };
    }
    return { items, isCut: true };
  }

  source(id: string): Promise<Source> {
    return this.json("GET", `datasources/${encodeURIComponent(id)}`);
  }

  register(source: NewSource): Promise<Source> {
    return this.json("POST", "datasources/register", source);
  }

  async remove(id: string): Promise<void> {
    await this.send("DELETE", `datasources/${encodeURIComponent(id)}/delete`);
  }

  /** A revision is what an edit has seen: a newer one makes it a 412 with `current`. */
  update(id: string, revision: number, patch: Patch): Promise<Source> {
    return this.json("PUT", `datasources/${encodeURIComponent(id)}/update`, patch, { "if-match": `"${revision}"` });
  }

  preview(source: Partial<NewSource>): Promise<Preview> {
    return this.json("POST", "datasources/preview", source);
  }

  async poll(id: string): Promise<void> {
    await this.send("POST", `datasources/${encodeURIComponent(id)}/poll`);
  }

  /** Newest first; with `path` only what touched that place. Goes on as long as a page is empty though there is more. */
  async changes(id: string, { path, cursor, limit }: { path?: string; cursor?: string; limit: number }): Promise<{ items: Change[]; next?: string }> {
    let next = cursor;
    for (let page = 0; page < PAGES_MAX; page += 1) {
      const query = new URLSearchParams({ limit: String(limit) });
      if (path !== undefined) query.set("path", path);
      if (next) query.set("cursor", next);
      const answer = await this.json<{ items: Change[]; next?: string }>("GET", `datasources/${encodeURIComponent(id)}/changes?${query}`);
      if (answer.items.length > 0 || !answer.next) return answer;
      next = answer.next;
    }
    return next ? { items: [], next } : { items: [] };
  }

  series(id: string, { path, bucket, from, to }: { path: string; bucket: number; from: number; to: number }): Promise<Series> {
    const query = new URLSearchParams({ path, bucket: String(bucket), from: String(from), to: String(to) });
    return this.json("GET", `datasources/${encodeURIComponent(id)}/series?${query}`);
  }

  async ticket(): Promise<string> {
    return (await this.json<{ ticket: string }>("POST", "tickets")).ticket;
  }

  /** A document too large to be pushed; `path` is what the server named, from its root. */
  async document(path: string): Promise<Document> {
    const response = await this.send("GET", path.replace(/^\//, ""));
    const header = (name: string) => response.headers.get(name) ?? "";
    const about = { incarnation: header("x-incarnation"), version: Number(header("x-version")), hash: header("x-hash") };
    return { text: await response.text().catch((error: unknown) => Promise.reject(unreachable(error))), ...about };
  }

  fleet(): Promise<Fleet> {
    return this.json("GET", "fleet");
  }

  private async json<T>(method: string, path: string, body?: unknown, extra: Record<string, string> = {}): Promise<T> {
    const response = await this.send(method, path, body, extra);
    return (await response.json().catch((error: unknown) => Promise.reject(unreachable(error)))) as T;
  }

  private async send(method: string, path: string, body?: unknown, extra: Record<string, string> = {}): Promise<Response> {
    const token = this.tokens.now();
    const response = await this.ask(token, method, path, body, extra);
    const isOld = REFUSED.includes(response.status) && (token !== this.tokens.now() || (await this.tokens.renew()));
    const answer = isOld ? await this.ask(this.tokens.now(), method, path, body, extra) : response;
    if (!answer.ok) throw await problemOf(answer);
    return answer;
  }

  private async ask(token: string | null, method: string, path: string, body: unknown, extra: Record<string, string>): Promise<Response> {
    if (token === null) throw new Problem(UNAUTHORIZED, "Nobody is signed in any more.");
    const headers: Record<string, string> = { authorization: `Bearer ${token}`, ...extra };
    if (body !== undefined) headers["content-type"] = "application/json";
    const request: RequestInit = { method, headers, cache: "no-store", signal: AbortSignal.timeout(ANSWER_WITHIN_MS) };
    if (body !== undefined) request.body = JSON.stringify(body);
    const response = await fetch(new URL(path, this.base), request).catch((error: unknown) => {
      throw unreachable(error);
    });
    this.heardTime(Date.parse(response.headers.get("date") ?? ""));
    return response;
  }
}
