import assert from "node:assert/strict";
import { test } from "node:test";
import { Api, type Tokens } from "../../src/api/client.ts";
import { Problem } from "../../src/api/problem.ts";

const DATED = { date: "Sat, 28 Nov 2026 12:00:00 GMT" };

interface Rig {
  api: Api;
  /** The tokens that were shown, in order. */
  shown: string[];
  tokens: { current: string | null; next: string | null };
  /** The server's times that it heard. */
  told: number[];
}

/** A server that takes only the token `good`; `globalThis` is what a page has. */
function rig(current: string | null, next: string | null): Rig {
  const it: Rig = { shown: [], told: [], tokens: { current, next } } as unknown as Rig;
  const ports: Tokens = {
    now: () => it.tokens.current,
    renew: async () => {
      if (it.tokens.next === null) return false;
      [it.tokens.current, it.tokens.next] = [it.tokens.next, null];
      return true;
    },
  };
  const answer = async (_: URL, { headers }: RequestInit) => {
    const token = (headers as Record<string, string>)["authorization"]?.replace("Bearer ", "") ?? "";
    it.shown.push(token);
    return token === "good" ? Response.json({ ticket: "once" }, { headers: DATED }) : Response.json({ message: "Forbidden" }, { status: 403 });
  };
  Object.assign(globalThis, { location: { href: "https://page.example/" }, fetch: answer });
  it.api = new Api("", ports, (serverMs) => it.told.push(serverMs));
  return it;
}

test("what is refused for an old token is asked again with the new one", async () => {
  const it = rig("old", "good");
  assert.equal(await it.api.ticket(), "once");
  assert.deepEqual(it.shown, ["old", "good"]);
});

test("a token that came while the answer was on its way is used without another renewal", async () => {
  const it = rig("old", null);
  const asked = it.api.ticket();
  it.tokens.current = "good";
  assert.equal(await asked, "once");
});

test("without another token the refusal is told, once", async () => {
  const it = rig("old", null);
  await assert.rejects(it.api.ticket(), (error: Problem) => error.isRefusal && /not good any more/.test(error.message));
  assert.deepEqual(it.shown, ["old"]);
});

test("nothing is asked while nobody is signed in", async () => {
  const it = rig(null, null);
  await assert.rejects(it.api.ticket(), (error: Problem) => error.isRefusal);
  assert.deepEqual(it.shown, []);
});

test("each answer tells what time it is at the server, where it says so", async () => {
  const it = rig("old", "good");
  await it.api.ticket();
  assert.deepEqual(it.told, [Number.NaN, Date.parse(DATED.date)]);
});

test("an export is whole however long it is, and a list that is cut says so", async () => {
  const it = rig("good", null);
  let pages = 0;
  Object.assign(globalThis, { fetch: async () => Response.json({ items: [{ id: `s${pages}` }], ...(++pages % 60 === 0 ? {} : { next: "more" }) }) });
  assert.equal((await it.api.exportSources()).length, 60);
  const { items, isCut } = await it.api.sources();
  assert.deepEqual([items.length, isCut], [50, true]);
});
