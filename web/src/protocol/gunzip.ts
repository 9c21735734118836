/** Gzip, as it travels inside text frames (base64) and as a stored body. */

const GUNZIPPED_BYTES_MAX = 64 * 1024 * 1024;
const MAGIC = [0x1f, 0x8b];

export class TooLarge extends Error {}

export async function gunzipBase64(text: string): Promise<string> {
  return gunzip(Uint8Array.from(atob(text), (character) => character.charCodeAt(0)));
}

/** Decode a body that may or may not be gzipped. */
export async function readBody(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const isGzip = MAGIC.every((byte, i) => bytes[i] === byte);
  return isGzip ? gunzip(bytes) : utf8(bytes);
}

/** Bounded while it unpacks: a small frame may claim gigabytes. */
async function gunzip(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let text = "";
  let length = 0;
  for await (const part of parts(unpacked)) {
    length += part.length;
    if (length > GUNZIPPED_BYTES_MAX) throw new TooLarge(`more than ${GUNZIPPED_BYTES_MAX} bytes unpacked`);
    text += decoder.decode(part, { stream: true });
  }
  return text + decoder.decode();
}

async function* parts(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
  } finally {
    await reader.cancel();
  }
}

function utf8(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
}
