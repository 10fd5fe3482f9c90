import { expect, test } from 'vitest';
import { ManualClock } from '../../../../src/kit/clock.ts';
import { silentLogger } from '../../../../src/kit/logger.ts';
import { perDay } from '../../../../src/kit/rate.ts';
import { listTape } from '../../../../src/market/collect/tape/inspect.ts';
import { tapeUsage } from '../../../../src/market/collect/tape/usage.ts';
import { TapeWriter } from '../../../../src/market/collect/tape/writer.ts';
import type { TapeItem } from '../../../../src/market/domain/tape.ts';
import { venues } from '../../../../src/market/exchanges/catalogue.generated.ts';
import { temporaryFolder } from '../support.ts';

const markets = venues.flatMap((venue) => venue.markets);
const SECOND = 1_000_000;
const START = 1_770_000_000 * SECOND;

function frame(text: string, second: number): TapeItem {
  return {
    kind: 'frame',
    recv_time: START + second * SECOND,
    connection: 'binance_futures#1.1',
    exchange: 'binance',
    market: 'futures',
    bytes: Buffer.from(text),
  };
}

const trade = (id: number): string =>
  JSON.stringify({
    stream: 'btcusdt@trade',
    data: { e: 'trade', E: 1, T: 1, s: 'BTCUSDT', t: id, p: '100.5', q: '0.25', X: 'MARKET', m: false },
  });
const funding = JSON.stringify({
  stream: 'btcusdt@markPrice@1s',
  data: { e: 'markPriceUpdate', E: 1, s: 'BTCUSDT', p: '100', i: '100', P: '100', r: '0.0001', T: 28_800_000 },
});

async function tapeOf(folder: string, items: readonly TapeItem[]): Promise<void> {
  await using writer = await TapeWriter.open({
    folder,
    clock: new ManualClock(),
    log: silentLogger,
    segmentBytes: 64_000_000,
    segmentMs: 900_000,
    flushMs: 50,
  });
  for (const item of items) writer.append(item);
}

test('bytes of each stream, their sum that of the blocks, and a day at the rate seen', async () => {
  await using folder = await temporaryFolder();
  const items = Array.from({ length: 121 }, (_, i) => frame(trade(i + 1), i));
  items.push(frame('{"result":null,"id":1}', 120), frame(funding, 120));
  await tapeOf(folder.path, items);
  const usage = await tapeUsage(folder.path, markets);
  const of = (stream: string) => usage.find((u) => u.stream === stream);
  expect(of('trades')).toMatchObject({
    exchange: 'binance',
    market: 'futures',
    records: 121,
    raw_bytes: items.slice(0, 121).reduce((sum, item) => sum + (item.kind === 'frame' ? item.bytes.length : 0), 0),
    observed_seconds: 120,
  });
  expect(of('other')).toMatchObject({ records: 0, raw_bytes: 22 });
  // One frame tells of two streams: half of its bytes are each one's.
  expect(of('mark_prices')?.raw_bytes).toBe(Math.round(funding.length / 2));
  expect(of('funding_rates')?.raw_bytes).toBe(Math.round(funding.length / 2));
  const [segment] = await listTape(folder.path);
  const total = usage.reduce((sum, u) => sum + u.tape_bytes, 0);
  // What is not counted is the segment's own header and footer.
  expect(total).toBeLessThan(segment?.bytes ?? 0);
  expect(total).toBeGreaterThan((segment?.bytes ?? 0) * 0.9);
  const trades = of('trades');
  expect((trades?.tape_bytes_per_day ?? 0) / ((trades?.tape_bytes ?? 1) * 720)).toBeCloseTo(1, 2);
});

test('a silence in which nothing was collected is no time seen; below a minute there is no rate', async () => {
  await using folder = await temporaryFolder();
  const before = Array.from({ length: 31 }, (_, i) => frame(trade(i + 1), i));
  const after = Array.from({ length: 21 }, (_, i) => frame(trade(i + 100), 7200 + i));
  await tapeOf(folder.path, [...before, ...after]);
  const [all] = await tapeUsage(folder.path, markets);
  expect(all).toMatchObject({ records: 52, observed_seconds: 50, tape_bytes_per_day: null });
  const [late] = await tapeUsage(folder.path, markets, { since: START + 7200 * SECOND });
  expect(late).toMatchObject({ records: 21, observed_seconds: 20 });
  expect(await tapeUsage(`${folder.path}/none`, markets)).toEqual([]);
});

test('a day is extrapolated from a minute or more', () => {
  expect(perDay(10, 86_400)).toBe(10);
  expect(perDay(1, 60)).toBe(1440);
  expect(perDay(1, 59)).toBeNull();
});
