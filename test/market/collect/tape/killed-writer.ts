// Appends frames to the tape in argv[2] until it is killed; tells after each flush how many are acknowledged.
import { silentLogger } from '../../../../src/kit/logger.ts';
import { TapeWriter } from '../../../../src/market/collect/tape/writer.ts';

const writer = await TapeWriter.open({
  folder: process.argv[2] ?? '',
  clock: {
    now: () => Date.now(),
    monotonicMs: () => performance.now(),
    schedule(ms, callback) {
      const timer = setTimeout(callback, ms);
      return { cancel: () => clearTimeout(timer) };
    },
  },
  log: silentLogger,
  segmentBytes: 300_000,
  segmentMs: 900_000,
  flushMs: 5,
});
const base = { kind: 'frame', connection: 'toy_spot#1.1', exchange: 'toy', market: 'spot' } as const;
for (let n = 0; ; ) {
  for (let i = 0; i < 200; i++) {
    writer.append({ ...base, recv_time: n, bytes: Buffer.from(JSON.stringify({ n, pad: 'x'.repeat(n % 300) })) });
    n += 1;
  }
  await writer.flush();
  process.stdout.write(`${n}\n`);
}
