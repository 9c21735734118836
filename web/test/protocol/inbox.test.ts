import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { canonical } from "../../src/protocol/canonical.ts";
import { Inbox } from "../../src/protocol/inbox.ts";
import type { Json } from "../../src/protocol/json.ts";
import type { ServerFrame } from "../../src/protocol/message.ts";
import { golden } from "../golden.ts";

interface Case {
  name: string;
  wire: Json[];
  frame: Json;
  spoilt?: true;
}

async function receive(texts: string[], body = ""): Promise<ServerFrame[]> {
  const frames: ServerFrame[] = [];
  const inbox = new Inbox({
    deliver: (frame) => frames.push(frame),
    fetchBody: async () => body,
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

test("a reference becomes the snapshot it stands for", async () => {
  const ref = { type: "ref", sourceId: "s", incarnation: "i", version: 3, url: "u", bytes: 2, hash: "44136fa355b3678a" };
  const frames = await receive([JSON.stringify(ref)], "{}");
  assert.deepEqual(frames.map(({ type }) => type), ["snapshot"]);
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
  const inbox = new Inbox({ deliver: () => undefined, fetchBody: async () => "", report: () => undefined, canHash: true });
  let taken = 0;
  while (inbox.take('{"type":"pong"}') && taken < 10_000) taken += 1;
  assert.equal(taken, 4_096);
});
