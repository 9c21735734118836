import assert from "node:assert/strict";
import { test } from "node:test";
import { GrantOver, Renewal, type Grant } from "../../src/state/renewal.ts";
import { FakeClock, settled } from "../fakes.ts";

const HOUR_MS = 3_600_000;

interface Rig {
  clock: FakeClock;
  renewal: Renewal;
  told: (number | null)[];
  renewed: number;
}

function rig(grant: Grant): Rig {
  const clock = new FakeClock();
  const it = { clock, told: [] as (number | null)[], renewed: 0 } as Rig;
  it.renewal = new Renewal(grant, { clock, random: () => 1, renewed: () => (it.renewed += 1), ending: (atMs) => it.told.push(atMs) });
  it.told.length = 0;
  return it;
}

/** Gives tokens `1`, `2`, … of an hour, as long as `answers` has no error to give instead. */
function issuer(answers: unknown[] = []): Grant {
  const grant = (count: number): Grant => ({
    token: String(count),
    livesMs: HOUR_MS,
    renew: async () => {
      const error = answers.shift();
      if (error !== undefined) throw error;
      return grant(count + 1);
    },
  });
  return grant(0);
}

async function pass(it: Rig, ms: number): Promise<void> {
  await it.clock.pass(ms);
  await settled();
}

test("a token is renewed five minutes before it ends, again and again", async () => {
  const it = rig(issuer());
  await pass(it, HOUR_MS - 5 * 60_000 - 1);
  assert.equal(it.renewal.token, "0");
  await pass(it, 1);
  assert.equal(it.renewal.token, "1");
  await pass(it, HOUR_MS - 5 * 60_000);
  assert.deepEqual([it.renewal.token, it.renewed], ["2", 2]);
});

test("the end of one that nothing renews is said in time, at most a fifth of its life before", async () => {
  const it = rig({ token: "a", livesMs: 100_000, renew: null });
  const endsAtMs = it.clock.now() + 100_000;
  await pass(it, 79_999);
  assert.deepEqual(it.told, []);
  await pass(it, 1);
  assert.deepEqual(it.told, [endsAtMs]);
  it.renewal.take({ token: "b", livesMs: null, renew: null });
  assert.deepEqual([it.renewal.token, it.told.at(-1)], ["b", null]);
});

test("an issuer that does not answer is asked again; one that refuses is not", async () => {
  const it = rig(issuer([new Error("silent"), new Error("silent"), new GrantOver("no")]));
  await pass(it, HOUR_MS - 5 * 60_000);
  await pass(it, 500);
  await pass(it, 1_000);
  assert.equal(it.told.length, 3);
  await pass(it, HOUR_MS);
  assert.deepEqual([it.renewal.token, it.renewed], ["0", 0]);
  assert.equal(await it.renewal.renew(), false);
});

test("whoever is refused meanwhile renews at once, and only once for all of them", async () => {
  const it = rig(issuer());
  assert.deepEqual(await Promise.all([it.renewal.renew(), it.renewal.renew()]), [true, true]);
  assert.deepEqual([it.renewal.token, it.renewed], ["1", 1]);
});

test("what comes after somebody signed in anew, or out, counts no more", async () => {
  const it = rig(issuer());
  const asked = it.renewal.renew();
  it.renewal.take({ token: "mine", livesMs: null, renew: null });
  assert.equal(await asked, false);
  assert.deepEqual([it.renewal.token, it.renewed], ["mine", 0]);
});
