// @ts-check
/** The thread that unpacks the blocks of a long tape, many at a time. Plain JavaScript, so that it can be loaded unbuilt. */
import { parentPort } from 'node:worker_threads';
import { inflateRawSync } from 'node:zlib';

/** @typedef {import('./protocol.ts').PackedBlocks} PackedBlocks */
/** @typedef {import('./protocol.ts').UnpackedBlocks} UnpackedBlocks */

const port = /** @type {import('node:worker_threads').MessagePort} */ (parentPort);

port.on('message', (/** @type {PackedBlocks} */ { bytes, blocks, memory }) => {
  const size = blocks.reduce((sum, { rawBytes }) => sum + rawBytes, 0);
  const raw = memory !== null && memory.byteLength >= size ? new Uint8Array(memory, 0, size) : new Uint8Array(size);
  /** @type {(string | null)[]} */
  const failures = [];
  let [from, to] = [0, 0];
  for (const { payloadBytes, rawBytes } of blocks) {
    failures.push(unpack(bytes.subarray(from, from + payloadBytes), raw.subarray(to, to + rawBytes)));
    from += payloadBytes;
    to += rawBytes;
  }
  port.postMessage(/** @satisfies {UnpackedBlocks} */ ({ raw, failures }), [raw.buffer]);
});

/** Why it failed; null when it did not. @param {Uint8Array} payload @param {Uint8Array} into @returns {string | null} */
function unpack(payload, into) {
  try {
    // In one piece.
    const sizes = { maxOutputLength: Math.max(1, into.length), chunkSize: Math.max(64, into.length + 1) };
    const raw = inflateRawSync(payload, sizes);
    if (raw.length !== into.length) return `unpacks to ${raw.length} bytes`;
    into.set(raw);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
