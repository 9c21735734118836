import assert from "node:assert/strict";
import { test } from "node:test";
import { gathered } from "../../src/protocol/gather.ts";
import type { ClientFrame } from "../../src/protocol/message.ts";
import { golden } from "../golden.ts";

interface Script {
  name: string;
  asked: ClientFrame[];
  sends: ClientFrame[];
}

/** Of what prototype an object is does not show on the wire. */
const onTheWire = (frames: readonly ClientFrame[]): unknown => JSON.parse(JSON.stringify(frames));

for (const { name, asked, sends } of golden<Script[]>("frames/gathered.json")) {
  test(`gathered: ${name}`, () => {
    assert.deepEqual(onTheWire(gathered(asked)), onTheWire(sends));
  });
}
