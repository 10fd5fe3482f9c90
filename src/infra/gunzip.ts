import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';

/** Whether bytes begin as gzip does. */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/** The bytes of a stream, unpacked where they begin as gzip. Throws what the stream or the unpacking throws. */
export async function* unpacked(
  input: AsyncIterable<Uint8Array | string>,
): AsyncGenerator<Uint8Array | string, void, undefined> {
  const chunks = input[Symbol.asyncIterator]();
  const first = await chunks.next();
  if (first.done === true) return;
  const { value } = first;
  const whole = (async function* () {
    yield value;
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield next.value;
  })();
  if (typeof value === 'string' || !isGzip(value)) {
    yield* whole;
    return;
  }
  const gunzip = createGunzip();
  // An error ends `gunzip`, whose reader then throws it.
  pipeline(Readable.from(whole), gunzip, () => undefined);
  for await (const chunk of gunzip) if (chunk instanceof Uint8Array) yield chunk;
}
