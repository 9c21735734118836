/**
 * JSON as documents hold it: like `JSON`, but an integer beyond 2^53 keeps every digit, as a bigint.
 *
 * `JSON.parse` defines members and never assigns them, so `__proto__` is a key like any other.
 */

export type Json = null | boolean | number | bigint | string | Json[] | JsonObject;
export type JsonObject = { [key: string]: Json };
export type Container = Json[] | JsonObject;

/** A reviver costs far more than the parse; only a text with this many digits in a row can need one. */
const LONG_NUMBER = /\d{16}/;
const INTEGER = /^-?\d+$/;

type Reviver = (this: unknown, key: string, value: Json, context: { source?: string }) => Json;

const keepDigits: Reviver = (_key, value, context) =>
  typeof value === "number" && !Number.isSafeInteger(value) && INTEGER.test(context.source ?? "")
    ? BigInt(context.source as string)
    : value;

/** Read JSON; throws a SyntaxError on anything else. */
export function parseJson(text: string): Json {
  // The standard library's types do not know the reviver's third argument yet.
  return LONG_NUMBER.test(text) ? JSON.parse(text, keepDigits as () => Json) : JSON.parse(text);
}

export function isContainer(value: Json | undefined): value is Container {
  return typeof value === "object" && value !== null;
}

export function isObject(value: Json | undefined): value is JsonObject {
  return isContainer(value) && !Array.isArray(value);
}
