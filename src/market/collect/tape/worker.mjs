// @ts-check
/** The thread that packs and writes the tape: a busy main thread holds up neither. */
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { TapeDisk } from './disk.mjs';

/** @typedef {import('./protocol.ts').TapeOrder} TapeOrder */

const port = /** @type {import('node:worker_threads').MessagePort} */ (parentPort);
const disk = new TapeDisk(workerData, openSegment, (word) => port.postMessage(word));

/** Waits for the disk where it is: the thread has nothing else to do. @param {string} path @returns {import('./protocol.ts').SegmentFile} */
function openSegment(path) {
  const file = openSync(path, 'w');
  return {
    write: (bytes, offset, length, position) => ({ bytesWritten: writeSync(file, bytes, offset, length, position) }),
    datasync: () => fdatasyncSync(file),
    close: () => closeSync(file),
  };
}

/** @param {TapeOrder} order */
function take(order) {
  if (order.kind === 'retry') disk.retry();
  else if (order.kind === 'end') void end();
  else disk.put(order);
}

async function end() {
  try {
    await disk.abandon();
  } finally {
    port.close();
  }
}

port.on('message', (/** @type {TapeOrder} */ order) => {
  take(order);
  // What came meanwhile goes with the same write.
  for (let more = receiveMessageOnPort(port); more !== undefined; more = receiveMessageOnPort(port)) take(more.message);
  disk.run();
});
