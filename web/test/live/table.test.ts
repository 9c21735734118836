import assert from "node:assert/strict";
import { test } from "node:test";
import { arrange, heldOrder, nextSort } from "../../src/live/order.ts";
import { columnsOf, COLUMNS_MAX, findTable, ROWS_MAX, type Table } from "../../src/live/table.ts";
import { parseJson, type Json } from "../../src/protocol/json.ts";

function tableOf(document: Json): Table {
  const table = findTable(document);
  assert.ok(table !== null);
  return table;
}

test("the largest list of records is the table, wherever it lies", () => {
  const small = [{ a: 1 }];
  const large = [{ a: 1 }, { a: 2 }];
  assert.deepEqual(tableOf({ meta: small, body: { items: large } }).path, ["body", "items"]);
});

test("an object of like objects is a table with named rows", () => {
  const table = tableOf({ BTC: { bid: 1 }, ETH: { bid: 2 }, SOL: { bid: 3 } });
  assert.deepEqual(table.names, ["BTC", "ETH", "SOL"]);
});

test("a document of plain values has no table", () => {
  for (const document of [1, "text", null, [], {}, [1, 2], { a: { b: 1 } }]) assert.equal(findTable(document), null);
});

test("columns are those of any row, and a name that objects inherit is a name", () => {
  const document = parseJson('[{"a": 1}, {"__proto__": 2, "constructor": 3}]');
  assert.deepEqual(columnsOf(tableOf(document)).map(({ key }) => key), ["a", "__proto__", "constructor"]);
});

test("a column that one row of many has is a column, and stays in place when rows come", () => {
  const rows: Json[] = Array.from({ length: 5_000 }, () => ({ a: 1, b: 2 }));
  rows[1_234] = { a: 1, rare: 3 };
  assert.deepEqual(columnsOf(tableOf(rows)).map(({ key }) => key), ["a", "b", "rare"]);
});

test("rows of unlike length have the columns of the longest", () => {
  assert.deepEqual(columnsOf(tableOf([[1], [1, 2, 3], [], [1, 2]])).map(({ key }) => key), ["0", "1", "2"]);
});

test("rows and columns are bounded", () => {
  const row = Object.fromEntries(Array.from({ length: COLUMNS_MAX + 1 }, (_, i) => [`c${i}`, i]));
  const table = tableOf(Array.from({ length: ROWS_MAX + 1 }, () => row));
  assert.equal(table.rows.length, ROWS_MAX);
  assert.equal(table.total, ROWS_MAX + 1);
  assert.equal(columnsOf(table).length, COLUMNS_MAX);
});

test("a column of numbers lines up on its longest fraction", () => {
  const [column] = columnsOf(tableOf([{ p: 1 }, { p: 2.25 }, { p: null }]));
  assert.deepEqual([column?.isNumeric, column?.decimals], [true, 2]);
});

test("sorting puts what is missing last in both directions and keeps equals in place", () => {
  const table = tableOf([{ p: 2 }, {}, { p: 10 }, { p: 2 }]);
  const order = (isDown: boolean) => arrange(table, columnsOf(table), { query: "", filters: new Map(), sort: { key: "p", isDown } });
  assert.deepEqual(order(false), [0, 3, 2, 1]);
  assert.deepEqual(order(true), [2, 0, 3, 1]);
});

test("a filter keeps the rows that hold every word, in any column", () => {
  const table = tableOf([{ a: "Oak board", b: 1 }, { a: "Oak", b: 2 }, { a: "Pine board", b: 12 }]);
  const find = (query: string) => arrange(table, columnsOf(table), { query, filters: new Map(), sort: null });
  assert.deepEqual(find("oak"), [0, 1]);
  assert.deepEqual(find("board 2"), [2]);
  assert.deepEqual(find(" "), [0, 1, 2]);
});

test("a header turns up, down, off", () => {
  const up = nextSort(null, "a");
  const down = nextSort(up, "a");
  assert.deepEqual([up?.isDown, down?.isDown, nextSort(down, "a")], [false, true, null]);
});

test("what is typed above columns narrows to the rows that match all of it", () => {
  const table = tableOf([{ a: "Oak", b: 1 }, { a: "Oak", b: 12 }, { a: "Pine", b: 12 }, { a: "Oak" }]);
  const find = (filters: Record<string, string>) =>
    arrange(table, columnsOf(table), { query: "", filters: new Map(Object.entries(filters)), sort: null });
  assert.deepEqual(find({ a: "oak", b: "> 5" }), [1]);
  assert.deepEqual(find({ b: "<=1" }), [0]);
  assert.deepEqual(find({ a: "! oak" }), [2]);
  assert.deepEqual(find({ b: "= 1" }), [0]);
  assert.deepEqual(find({ b: "1" }), [0, 1, 2]);
});

test("an order that is held keeps who is there in place and puts newcomers last", () => {
  const [a, b, c, d] = [{ n: 1 }, { n: 2 }, { n: 3 }, { n: 4 }];
  const before = tableOf([a, b, c]);
  const now = tableOf([d, c, a]);
  assert.deepEqual(heldOrder(before, [2, 1, 0], now, [2, 1, 0]).map((i) => now.rows[i]), [c, a, d]);
});
