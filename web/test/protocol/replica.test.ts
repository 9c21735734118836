import assert from "node:assert/strict";
import { test } from "node:test";
import { canonical } from "../../src/protocol/canonical.ts";
import type { Json } from "../../src/protocol/json.ts";
import type { ClientFrame, SourceFrame } from "../../src/protocol/message.ts";
import { Replica } from "../../src/protocol/replica.ts";
import { FakeClock } from "../fakes.ts";
import { golden } from "../golden.ts";

type Event = { opened: true } | { receive: SourceFrame } | { waitMs: number };

interface Scenario {
  name: string;
  events: Event[];
  sends: Json[];
  document?: Json;
  position?: [string, number];
  phase: string;
}

const SOURCE = "external-1a2b3c4d";

function makeReplica(): { replica: Replica; clock: FakeClock; sent: ClientFrame[] } {
  const clock = new FakeClock();
  const sent: ClientFrame[] = [];
  const send = (frame: ClientFrame) => sent.push(frame);
  const replica = new Replica(SOURCE, { clock, random: () => 0, send, changed: () => undefined });
  return { replica, clock, sent };
}

for (const scenario of [...golden<Scenario[]>("frames/replica.json"), ...golden<Scenario[]>("conformance.json")]) {
  test(`replica: ${scenario.name}`, async () => {
    const { replica, clock, sent } = makeReplica();
    for (const event of scenario.events) {
      if ("opened" in event) replica.opened();
      else if ("receive" in event) replica.receive(event.receive);
      else await clock.pass(event.waitMs);
    }
    assert.deepEqual(sent, scenario.sends);
    assert.equal(replica.phase, scenario.phase);
    assert.equal(replica.document && canonical(replica.document), scenario.document && canonical(scenario.document));
    if (scenario.position) assert.deepEqual([replica.incarnation, replica.version], scenario.position);
  });
}

test("a request that nobody answers is made again, later each time", async () => {
  const { replica, clock, sent } = makeReplica();
  replica.opened();
  await clock.pass(14_999);
  assert.equal(sent.length, 1);
  await clock.pass(60_000);
  assert.equal(sent.length, 5);
});

test("a lost connection asks nothing until the next one", async () => {
  const { replica, clock, sent } = makeReplica();
  replica.opened();
  replica.closed();
  await clock.pass(120_000);
  assert.equal(sent.length, 1);
});

test("no more than 256 frames are held", () => {
  const { replica } = makeReplica();
  replica.opened();
  const patch = (version: number): SourceFrame => ({
    type: "patch",
    sourceId: SOURCE,
    incarnation: "one",
    base: version - 1,
    version,
    steps: [[version, [{ op: "replace", path: "", value: version }]]],
    at: 0,
  });
  for (let version = 2; version <= 258; version += 1) replica.receive(patch(version));
  replica.receive({ type: "snapshot", sourceId: SOURCE, incarnation: "one", version: 1, hash: "", data: 1 });
  // The 256 held first were let go, so the one after them is a gap that is asked for, not a guess.
  assert.equal(replica.document, 1);
});

test("a source that the server will not serve is said to be refused", async () => {
  const { replica, clock, sent } = makeReplica();
  replica.opened();
  replica.refused({ type: "error", code: "unknown", message: "no such source", temporary: false });
  await clock.pass(120_000);
  assert.equal(replica.phase, "refused");
  assert.equal(sent.length, 1);
});

test("a temporary refusal is tried again", async () => {
  const { replica, clock, sent } = makeReplica();
  replica.opened();
  replica.refused({ type: "error", code: "busy", message: "try later", temporary: true });
  await clock.pass(1_000);
  assert.equal(sent.length, 2);
});
