/** JSON Pointers (RFC 6901), strictly: a malformed pointer or index is an error, never a guess. */

export class BadPointer extends Error {}

const INDEX = /^(?:0|[1-9]\d*)$/;

/** `"/a~1b/0"` → `["a/b", "0"]`; `""` → `[]`, the whole document. */
export function parsePointer(pointer: string): string[] {
  if (pointer === "") return [];
  if (!pointer.startsWith("/")) throw new BadPointer(`a pointer starts with "/": ${pointer.slice(0, 80)}`);
  if (/~(?![01])/.test(pointer)) throw new BadPointer(`"~" is written "~0": ${pointer.slice(0, 80)}`);
  return keysOf(pointer);
}

/** The keys of what is known to be a pointer of at least one. */
export function keysOf(pointer: string): string[] {
  return pointer.slice(1).split("/").map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
}

export function writePointer(tokens: readonly (string | number)[]): string {
  return tokens.map((token) => `/${String(token).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

/** Read an array index from 0 to `end` (included). */
export function parseIndex(token: string, end: number): number {
  if (!INDEX.test(token)) throw new BadPointer(`not an array index: ${token.slice(0, 80)}`);
  const index = Number(token);
  if (index > end) throw new BadPointer(`index ${token.slice(0, 20)} is beyond the array`);
  return index;
}
