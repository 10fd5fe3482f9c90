// @ts-check
/**
 * The thread that packs and writes the tape: a busy main thread holds up neither. It never returns to its event loop but
 * waits on shared memory, so that items that were shown are written in the middle of the turn that receives them.
 */
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { setPriority } from 'node:os';
import { performance } from 'node:perf_hooks';
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { LEAST_BYTES, THREAD, WORTHY_BYTES } from './block-items.mjs';
import { TapeDisk } from './disk.mjs';

/** @typedef {import('./protocol.ts').TapeOrder} TapeOrder */
/** @typedef {import('./protocol.ts').TapeOpening} TapeOpening */

/** What comes fast gathers for so long, ms. */
const LEAST_MS = 1;
/** So long after a write it looks by itself whether more came, ms: to be woken is dear for the thread that appends. */
const LINGER_MS = 10;
/** The rate is that of about the last so many ms. */
const RATE_MS = 100;

/** Nice value of the thread where it may have it. */
const PRIORITY = -10;

raisePriority();
const port = /** @type {import('node:worker_threads').MessagePort} */ (parentPort);
const opening = /** @type {TapeOpening} */ (workerData);
const disk = new TapeDisk(opening, openSegment, (word) => port.postMessage(word));
const { progress, flushMs } = opening;
/** Bytes a ms, and what it is reckoned from. */
const rate = { value: 0, bytes: 0, at: performance.now() };
/** Since when what gathers does. @type {number | undefined} */
let since;
let wroteAt = Number.NEGATIVE_INFINITY;

/**
 * Goes before the other threads, which would hold it up for some ms where all processors are busy. On Linux a priority is
 * the thread's own, and takes root or CAP_SYS_NICE; elsewhere it is the process's and stays.
 */
function raisePriority() {
  if (process.platform !== 'linux') return;
  try {
    setPriority(0, PRIORITY);
  } catch (error) {
    const code = /** @type {{ info?: { code?: string } }} */ (error).info?.code;
    if (code !== 'EACCES' && code !== 'EPERM') throw error;
  }
}

/** Waits for the disk where it is: the thread has nothing else to do. @param {string} path @returns {import('./protocol.ts').SegmentFile} */
function openSegment(path) {
  const file = openSync(path, 'w');
  return {
    write: (bytes, offset, length, position) => ({ bytesWritten: writeSync(file, bytes, offset, length, position) }),
    datasync: () => fdatasyncSync(file),
    close: () => closeSync(file),
  };
}

/** Takes the orders that came. False when the last one was among them. */
function takeOrders() {
  for (let told = receiveMessageOnPort(port); told !== undefined; told = receiveMessageOnPort(port)) {
    const order = /** @type {TapeOrder} */ (told.message);
    if (order.kind === 'retry') disk.retry();
    else if (order.kind === 'end') return false;
    else disk.put(order);
  }
  return true;
}

/** How long what there is may still gather, ms; 0: it is to be written, infinite: there is nothing to do. */
function patience() {
  if (disk.failed) return Number.POSITIVE_INFINITY;
  const bytes = disk.gathering;
  if (bytes === null || bytes >= WORTHY_BYTES) return 0;
  const now = performance.now();
  if (bytes === 0) {
    const lingers = now - wroteAt < LINGER_MS;
    since = lingers ? now : undefined;
    return lingers ? LEAST_MS : Number.POSITIVE_INFINITY;
  }
  since ??= now;
  return Math.max(0, since + Math.min(flushMs, Math.max(LEAST_MS, LEAST_BYTES / rate.value)) - now);
}

async function write() {
  since = undefined;
  await disk.run();
  const now = performance.now();
  wroteAt = now;
  const ms = now - rate.at;
  if (ms < LEAST_MS / 2) return;
  const bytes = progress.items[1] ?? 0;
  rate.value += ((bytes - rate.bytes) / ms - rate.value) * Math.min(1, ms / RATE_MS);
  rate.bytes = bytes;
  rate.at = now;
}

/** What it waits for. */
function wait() {
  return disk.failed || since !== undefined ? THREAD.gathering : THREAD.idle;
}

async function work() {
  const { thread } = progress;
  for (;;) {
    const state = wait();
    // First it says what it waits for, then it looks: for what comes after that it is woken.
    Atomics.store(thread, 0, state);
    if (!takeOrders()) break;
    const ms = patience();
    if (ms === 0) {
      Atomics.store(thread, 0, THREAD.awake);
      await write();
    } else if (state === wait()) {
      Atomics.wait(thread, 0, state, ms);
    }
  }
  await disk.abandon();
  port.close();
}

await work();
