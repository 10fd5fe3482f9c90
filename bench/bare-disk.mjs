// @ts-check
/**
 * A thread that does nothing but wait, write and sync, beside a benchmark: how late the machine wakes it, and how long
 * 16 KB take to write and then to force through to the disk. Asked with a path, it goes on until it is asked again.
 */
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { parentPort, receiveMessageOnPort } from 'node:worker_threads';

const port = /** @type {import('node:worker_threads').MessagePort} */ (parentPort);
const WAIT_MS = 2;
const bytes = Buffer.alloc(16 * 1024, 'x');
const never = new Int32Array(new SharedArrayBuffer(4));

port.on('message', (/** @type {string} */ path) => {
  const file = openSync(path, 'w');
  /** @type {{ late: number[], write: number[], sync: number[] }} */
  const times = { late: [], write: [], sync: [] };
  while (receiveMessageOnPort(port) === undefined) {
    const start = performance.now();
    Atomics.wait(never, 0, 0, WAIT_MS);
    const woken = performance.now();
    writeSync(file, bytes, 0, bytes.length, 0);
    const written = performance.now();
    times.late.push(woken - start - WAIT_MS);
    times.write.push(written - woken);
    // Not each time, or the disk would do little else.
    if (times.write.length % 32 !== 0) continue;
    fdatasyncSync(file);
    times.sync.push(performance.now() - written);
  }
  closeSync(file);
  port.postMessage(times);
});
