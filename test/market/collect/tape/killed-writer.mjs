// Appends frames to the tape in argv[3] until it is killed; tells after each flush how many are acknowledged.
// argv[2] is the folder of the transpiled sources.
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';

const sources = process.argv[2] ?? '';
const folder = process.argv[3] ?? '';
const { TapeWriter } = await import(pathToFileURL(join(sources, 'market/collect/tape/writer.js')).href);
const { silentLogger } = await import(pathToFileURL(join(sources, 'kit/logger.js')).href);

const clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  schedule(/** @type {number} */ ms, /** @type {() => void} */ callback) {
    const timer = setTimeout(callback, ms);
    return { cancel: () => clearTimeout(timer) };
  },
};
const writer = await TapeWriter.open({
  folder,
  clock,
  log: silentLogger,
  segmentBytes: 300_000,
  segmentMs: 900_000,
  flushMs: 5,
});
let n = 0;
for (;;) {
  for (let i = 0; i < 200; i++) {
    const text = JSON.stringify({ n, pad: 'x'.repeat(n % 300) });
    writer.append({ kind: 'frame', recv_time: n, connection: 'toy_spot#1.1', exchange: 'toy', market: 'spot', text });
    n += 1;
  }
  await writer.flush();
  process.stdout.write(`${n}\n`);
}
