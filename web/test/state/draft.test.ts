import assert from "node:assert/strict";
import { test } from "node:test";
import { Problem } from "../../src/api/problem.ts";
import type { Patch, Preview, Source } from "../../src/api/types.ts";
import { Draft, type DraftPorts } from "../../src/state/draft.ts";

const STORED: Source = {
  id: "external-1", name: "Prices", type: "external", dataFormat: "json", url: "https://a.example/p", pollingInterval: 5,
  enabled: true, revision: 3, status: { state: "healthy", why: "", since: 0 },
};
const GOOD = { ok: true, reason: null, why: "", warnings: [], volatile: [], suggested: {} } as unknown as Preview;

/** A server of one source that knows its revision. */
class Server implements DraftPorts {
  source = STORED;
  readonly patches: Patch[] = [];
  readonly looks: ((preview: Preview) => void)[] = [];

  register(): Promise<Source> {
    return Promise.reject(new Problem(422, "wrong: name", [{ field: "name", message: "too long" }]));
  }

  update(_id: string, revision: number, patch: Patch): Promise<Source> {
    if (revision !== this.source.revision) return Promise.reject(new Problem(412, "edited since", [], { current: this.source }));
    this.patches.push(patch);
    const { apiKey: _key, ...rest } = patch;
    this.source = { ...this.source, ...rest, revision: revision + 1 };
    return Promise.resolve(this.source);
  }

  preview(): Promise<Preview> {
    return new Promise((resolve) => this.looks.push(resolve));
  }

  problemOf(error: unknown): Problem {
    return error as Problem;
  }
}

test("an edit that comes second shows both versions; kept, it changes only what I changed", async () => {
  const server = new Server();
  const draft = new Draft(STORED, server);
  draft.set("pollingInterval", "9");
  server.source = { ...STORED, name: "Renamed", revision: 4 };
  assert.equal(await draft.save(), null);
  assert.equal(draft.theirs.value?.name, "Renamed");
  assert.equal(draft.form.value.pollingInterval, "9");
  const saved = await draft.keepMine();
  assert.deepEqual(server.patches, [{ pollingInterval: 9 }]);
  assert.equal(saved?.name, "Renamed");
  assert.equal(draft.isDirty.value, false);
});

test("taking theirs forgets mine", async () => {
  const server = new Server();
  const draft = new Draft(STORED, server);
  draft.set("name", "Mine");
  server.source = { ...STORED, name: "Theirs", revision: 4 };
  await draft.save();
  draft.takeTheirs();
  assert.equal(draft.form.value.name, "Theirs");
  assert.equal(draft.theirs.value, null);
});

test("only the newest look counts", async () => {
  const server = new Server();
  const draft = new Draft(STORED, server);
  const [first, second] = [draft.tryIt(), draft.tryIt()];
  server.looks[1]?.({ ...GOOD, ok: false, reason: "dns", why: "no such host" });
  server.looks[0]?.(GOOD);
  await Promise.all([first, second]);
  assert.equal(draft.errors.value.get("url"), "no such host");
  assert.equal(draft.isTrying.value, false);
});

test("an address is asked for before anything is sent, and a wrong field says so until it is touched", async () => {
  const draft = new Draft(null, new Server());
  await draft.save();
  assert.deepEqual([...draft.errors.value.keys()], ["url"]);
  draft.set("url", "https://a.example");
  assert.equal(draft.errors.value.size, 0);
  await draft.save();
  assert.equal(draft.errors.value.get("name"), "too long");
});

test("a pause of my own is no conflict with what I am typing, another's edit is", async () => {
  const server = new Server();
  const draft = new Draft(STORED, server);
  draft.set("name", "Mine");
  server.source = { ...STORED, enabled: false, revision: 4 };
  draft.follow(server.source);
  assert.equal((await draft.save())?.name, "Mine");
  draft.set("name", "Mine again");
  draft.follow({ ...server.source, url: "https://a.example/other", revision: 9 });
  assert.equal(draft.base.value?.revision, 5);
});
