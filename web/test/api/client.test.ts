import assert from "node:assert/strict";
import { test } from "node:test";
import { Api, type Tokens } from "../../src/api/client.ts";
import { Problem } from "../../src/api/problem.ts";

interface Rig {
  api: Api;
  /** The tokens that were shown, in order. */
  shown: string[];
  tokens: { current: string | null; next: string | null };
}

/** A server that takes only the token `good`; `globalThis` is what a page has. */
function rig(current: string | null, next: string | null): Rig {
  const it: Rig = { shown: [], tokens: { current, next } } as unknown as Rig;
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
    return token === "good" ? Response.json({ ticket: "once" }) : Response.json({ message: "Forbidden" }, { status: 403 });
  };
  Object.assign(globalThis, { location: { href: "https://page.example/" }, fetch: answer });
  it.api = new Api("", ports);
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
