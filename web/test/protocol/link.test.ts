import assert from "node:assert/strict";
import { test } from "node:test";
import { backoffMs } from "../../src/protocol/backoff.ts";
import { Link, SignedOut } from "../../src/protocol/link.ts";
import { FakeClock, FakeSocket, settled } from "../fakes.ts";

const MINUTE_MS = 60_000;

function makeLink({ isOnline = true } = {}) {
  const clock = new FakeClock();
  const sockets: FakeSocket[] = [];
  const opened: number[] = [];
  const network = { refuses: false, fails: false, isOnline };
  const link = new Link({
    clock,
    random: () => 0.5,
    address: async () => {
      if (network.refuses) throw new SignedOut("403");
      if (network.fails) throw new Error("unreachable");
      return "wss://gateway?ticket=1";
    },
    open: (address, events) => {
      const socket = new FakeSocket(address, events);
      sockets.push(socket);
      return socket;
    },
    isOnline: () => network.isOnline,
    changed: () => undefined,
    opened: (connection) => opened.push(connection),
    text: () => undefined,
  });
  const last = () => sockets.at(-1) as FakeSocket;
  const live = async () => {
    link.start();
    await settled();
    last().events.opened();
  };
  return { clock, link, sockets, opened, network, last, live };
}

test("backoff doubles from half a second, stops at 30 and uses the whole range", () => {
  const caps = [0, 1, 2, 6, 60].map((attempt) => backoffMs(attempt, () => 1));
  assert.deepEqual(caps, [500, 1_000, 2_000, 30_000, 30_000]);
  assert.equal(backoffMs(5, () => 0), 0);
});

test("a link is live once its socket is open", async () => {
  const { link, opened, live } = makeLink();
  await live();
  assert.equal(link.state.name, "live");
  assert.equal(opened.length, 1);
});

test("a lost link is tried again for ever", async () => {
  const { clock, link, sockets, network, live, last } = makeLink();
  await live();
  network.fails = true;
  last().events.closed();
  assert.equal(link.state.name, "reconnecting");
  await clock.pass(24 * 60 * MINUTE_MS);
  network.fails = false;
  await clock.pass(15_000);
  assert.equal(sockets.length, 2);
  last().events.opened();
  assert.equal(link.state.name, "live");
});

test("trying now does not wait out the backoff", async () => {
  const { link, sockets, live, last } = makeLink();
  await live();
  last().events.closed();
  link.tryNow();
  await settled();
  assert.equal(sockets.length, 2);
});

test("coming back online tries at once", async () => {
  const { link, sockets, network, live, last } = makeLink();
  await live();
  network.isOnline = false;
  last().events.closed();
  assert.equal(link.state.name, "offline");
  network.isOnline = true;
  link.wake();
  await settled();
  assert.equal(sockets.length, 2);
});

test("a refused token ends the trying", async () => {
  const { clock, link, sockets, network, live, last } = makeLink();
  await live();
  network.refuses = true;
  last().events.closed();
  await clock.pass(10 * MINUTE_MS);
  assert.equal(link.state.name, "signedOut");
  assert.equal(sockets.length, 1);
});

test("a silent link is pinged after 8 minutes and given up when nothing answers", async () => {
  const { clock, link, live, last } = makeLink();
  await live();
  await clock.pass(8 * MINUTE_MS - 1);
  assert.deepEqual(last().sent, []);
  await clock.pass(1);
  assert.deepEqual(last().sent, [{ action: "ping" }]);
  await clock.pass(10_000);
  assert.equal(link.state.name, "reconnecting");
});

test("a doubted link is asked once, and has its ten seconds however often it is doubted", async () => {
  const { clock, link, live, last } = makeLink();
  await live();
  for (let i = 0; i < 3; i += 1) {
    link.doubt();
    await clock.pass(3_000);
  }
  assert.deepEqual(last().sent, [{ action: "ping" }]);
  await clock.pass(1_000);
  assert.equal(link.state.name, "reconnecting");
});

test("a doubted link that answers stays, and a lost one is tried at its own pace", async () => {
  const { clock, link, sockets, network, live, last } = makeLink();
  await live();
  link.doubt();
  await settled();
  last().events.text("{}");
  await clock.pass(10_000);
  link.doubt();
  await settled();
  assert.deepEqual([link.state.name, last().sent.length], ["live", 2]);
  network.fails = true;
  last().events.closed();
  const dials = sockets.length;
  network.fails = false;
  link.doubt();
  await settled();
  assert.equal(sockets.length, dials);
});

test("any frame is an answer, and puts the next ping off", async () => {
  const { clock, link, live, last } = makeLink();
  await live();
  for (let minutes = 0; minutes < 60; minutes += 7) {
    await clock.pass(7 * MINUTE_MS);
    last().events.text("{}");
  }
  assert.deepEqual(last().sent, []);
  assert.equal(link.state.name, "live");
});

test("a connection is handed over before the gateway ends it", async () => {
  const { clock, link, sockets, opened, live, last } = makeLink();
  await live();
  for (let minutes = 0; minutes < 110; minutes += 5) {
    await clock.pass(5 * MINUTE_MS);
    last().events.text("{}");
  }
  assert.equal(sockets.length, 2);
  assert.equal(link.state.name, "live");
  assert.equal(sockets[0]?.isClosed, false);
  last().events.opened();
  await clock.pass(5_000);
  assert.equal(sockets[0]?.isClosed, true);
  assert.equal(opened.length, 2);
});

async function handsOver(made: ReturnType<typeof makeLink>) {
  await made.live();
  for (let minutes = 0; minutes < 110; minutes += 5) {
    await made.clock.pass(5 * MINUTE_MS);
    made.sockets[0]?.events.text("{}");
  }
}

test("a connection stays while the one that is to replace it cannot be opened", async () => {
  const made = makeLink();
  await handsOver(made);
  const { clock, link, sockets, network, last, opened } = made;
  last().events.closed();
  assert.equal(link.state.name, "live");
  network.fails = true;
  await clock.pass(60_000);
  network.fails = false;
  link.send({ action: "ping" });
  await settled();
  assert.deepEqual([sockets[0]?.isClosed, sockets[0]?.sent.length, link.state.name], [false, 1, "live"]);
  await clock.pass(15_000);
  assert.ok(sockets.length > 2);
  last().events.opened();
  await clock.pass(5_000);
  assert.deepEqual([sockets[0]?.isClosed, opened.length, link.state.name], [true, 2, "live"]);
});

test("a replacement that never opens is given up, and the connection it was to replace is kept", async () => {
  const made = makeLink();
  await handsOver(made);
  const { clock, link, sockets } = made;
  await clock.pass(15_000);
  assert.deepEqual([sockets[0]?.isClosed, sockets[1]?.isClosed, link.state.name], [false, true, "live"]);
  sockets[1]?.events.opened();
  sockets[1]?.events.closed();
  assert.equal(link.state.name, "live");
});

test("a connection that ends while its replacement is dialled waits for that one, and then for none", async () => {
  const made = makeLink();
  await handsOver(made);
  const { link, sockets, last } = made;
  const states = [sockets[0], last(), last()].map((socket, i) => {
    if (i === 1) socket?.events.opened();
    else socket?.events.closed();
    return link.state.name;
  });
  assert.deepEqual(states, ["connecting", "live", "reconnecting"]);
});

test("when both are gone the link is lost", async () => {
  const made = makeLink();
  await handsOver(made);
  const { link, sockets, last } = made;
  sockets[0]?.events.closed();
  last().events.closed();
  assert.equal(link.state.name, "reconnecting");
});

test("a socket that never opens is given up", async () => {
  const { clock, link, last } = makeLink();
  link.start();
  await clock.pass(1);
  await settled();
  const first = last();
  await clock.pass(15_000);
  assert.equal(first.isClosed, true);
  assert.equal(link.state.name, "reconnecting");
});

test("a link that was stopped stays stopped", async () => {
  const { clock, link, sockets, live } = makeLink();
  await live();
  link.stop();
  await clock.pass(10 * MINUTE_MS);
  assert.equal(sockets.length, 1);
  assert.equal(sockets[0]?.isClosed, true);
});
