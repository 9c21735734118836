import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { canonical } from "../../src/protocol/canonical.ts";
import { Inbox, type Answer } from "../../src/protocol/inbox.ts";
import type { Json } from "../../src/protocol/json.ts";
import type { ServerFrame } from "../../src/protocol/message.ts";
import { golden } from "../golden.ts";

interface Case {
  name: string;
  wire: Json[];
  frame: Json;
  spoilt?: true;
}

const NOTHING: Answer = { text: "", incarnation: "i", version: 1, hash: "" };

async function receive(texts: string[], answer = NOTHING, stored = ""): Promise<ServerFrame[]> {
  const frames: ServerFrame[] = [];
  const inbox = new Inbox({
    deliver: (frame) => frames.push(frame),
    fetchDocument: async (path) => (path === "/datasources/s/data" ? answer : NOTHING),
    fetchBody: async (url) => (url === "https://stored/" ? stored : ""),
    report: () => undefined,
    canHash: true,
  });
  for (const text of texts) assert.ok(inbox.take(text));
  await inbox.drained();
  return frames;
}

for (const { name, wire, frame, spoilt } of golden<Case[]>("frames/encoded.json")) {
  test(`frames: ${name}`, async () => {
    const frames = await receive(wire.map((value) => canonical(value)));
    if (spoilt) assert.deepEqual(frames.map(({ type }) => type), ["spoilt"]);
    else assert.deepEqual(frames.map((got) => canonical(got as unknown as Json)), [canonical(frame)]);
  });
}

test("frames keep their order although unpacking takes time", async () => {
  const data = gzipSync("{}").toString("base64");
  const about = { sourceId: "s", incarnation: "i", hash: "44136fa355b3678a" };
  const frames = await receive([
    JSON.stringify({ type: "snapshot", ...about, version: 1, encoding: "gzip+base64", data }),
    JSON.stringify({ type: "snapshot", ...about, version: 2, data: {} }),
  ]);
  assert.deepEqual(frames.map((frame) => "version" in frame && frame.version), [1, 2]);
});

const REF = JSON.stringify({
  type: "ref",
  sourceId: "s",
  incarnation: "i",
  version: 3,
  url: "/datasources/s/data",
  bytes: 2,
  hash: "44136fa355b3678a",
});
/** The hash of `{}`. */
const HASH = "44136fa355b3678a";

test("a reference becomes a snapshot of what the API answers, which may be newer", async () => {
  const [frame] = await receive([REF], { text: "{}", incarnation: "i", version: 4, hash: HASH });
  assert.deepEqual({ ...frame }, { type: "snapshot", sourceId: "s", incarnation: "i", version: 4, hash: HASH, data: {} });
});

test("a document too large for an answer is fetched where the answer says", async () => {
  const text = JSON.stringify({ ref: { url: "https://stored/", bytes: 2, hash: HASH } });
  const [frame] = await receive([REF], { text, incarnation: "i", version: 3, hash: HASH }, "{}");
  assert.deepEqual({ ...frame }, { type: "snapshot", sourceId: "s", incarnation: "i", version: 3, hash: HASH, data: {} });
});

test("an answer without the hash that it names is spoilt", async () => {
  const frames = await receive([REF], { text: '{"n":1}', incarnation: "i", version: 3, hash: HASH });
  assert.deepEqual(frames.map(({ type }) => type), ["spoilt"]);
});

test("a frame of an unknown type is passed over, so that the server may learn new ones", async () => {
  assert.deepEqual(await receive(['{"type":"news"}', '{"message":"Forbidden"}', '{"type":"constructor"}']), []);
});

test("a frame with a field of the wrong kind is spoilt", async () => {
  for (const version of ["1", 1.5, null]) {
    const text = JSON.stringify({ type: "snapshot", sourceId: "s", incarnation: "i", version, hash: "", data: {} });
    assert.deepEqual((await receive([text])).map(({ type }) => type), ["spoilt"]);
  }
});

test("a text that is no JSON stops nothing", async () => {
  assert.deepEqual((await receive(["{", '{"type":"pong"}'])).map(({ type }) => type), ["pong"]);
});

test("chunks that promise too many parts are refused", async () => {
  const chunk = { type: "chunk", id: "c", i: 0, n: 1e9, data: "x" };
  assert.deepEqual(await receive([JSON.stringify(chunk)]), []);
});

test("an inbox that cannot keep up says so", () => {
  const inbox = new Inbox({
    deliver: () => undefined,
    fetchDocument: async () => NOTHING,
    fetchBody: async () => "",
    report: () => undefined,
    canHash: true,
  });
  let taken = 0;
  while (inbox.take('{"type":"pong"}') && taken < 10_000) taken += 1;
  assert.equal(taken, 4_096);
});
