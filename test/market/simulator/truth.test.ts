import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { InvalidInput } from '../../../src/kit/errors.ts';
import { COLUMNS } from '../../../src/market/domain/columns.ts';
import type { Stream } from '../../../src/market/domain/records.ts';
import { createSimulatedMarkets } from '../../../src/market/simulator/model/market.ts';
import { exportTruth } from '../../../src/market/simulator/truth.ts';

const FROM = Date.UTC(2026, 6, 7, 7, 59, 30, 250);
const SYMBOLS = ['BTCUSDT'];
const folders: string[] = [];

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'truth-'));
  folders.push(path);
  return path;
}

async function read(path: string): Promise<Record<string, unknown>[]> {
  const text = await readFile(path, 'utf8');
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('the export of the truth', () => {
  it('writes one file a market and stream, in order of time, with the columns of the stream', async () => {
    const dir = join(await folder(), 'made/on/the/way');
    const markets = ['binance_spot', 'bybit_futures'];
    const files = await exportTruth({ seed: 7, from: FROM, durationMs: 61_000, dir, symbols: ['ARUSDT'], markets });
    expect((await readdir(dir)).sort()).toEqual(files.map((f) => f.path.split('/').pop()).sort());
    expect(
      files
        .filter((f) => f.market === 'binance_spot')
        .map((f) => f.stream)
        .sort(),
    ).toEqual(['book', 'candles', 'prices', 'ticker_24h', 'trades']);
    expect(files.filter((f) => f.market === 'bybit_futures')).toHaveLength(9);
    for (const file of files) {
      const rows = await read(file.path);
      expect(rows.length, file.path).toBe(file.records);
      expect(rows.length, file.path).toBeGreaterThan(0);
      const times = rows.map((row) => Number(row['event_time']));
      expect(times, file.path).toEqual(times.toSorted((a, b) => a - b));
      const columns =
        file.stream === 'book' ? ['kind', 'bids', 'asks', 'seq'] : COLUMNS[file.stream as Stream].map((c) => c.name);
      for (const name of ['stream', 'exchange', 'market', 'symbol', 'event_time', ...columns]) {
        expect(rows[0], file.path).toHaveProperty(name);
      }
    }
  });

  it('tells all trades and candles of the time, exactly', async () => {
    const dir = await folder();
    const durationMs = 100_000;
    const files = await exportTruth({
      seed: 7,
      from: FROM,
      durationMs,
      dir,
      symbols: SYMBOLS,
      markets: ['binance_futures', 'bybit_spot'],
    });
    const markets = createSimulatedMarkets({ seed: 7, symbols: SYMBOLS, at: Date.UTC(2026, 4, 5) });
    for (const key of ['binance_futures', 'bybit_spot']) {
      const market = markets.get(key);
      const of = async (stream: string): Promise<Record<string, unknown>[]> =>
        read(files.find((f) => f.market === key && f.stream === stream)?.path ?? '');
      const trades = (await of('trades')).filter((row) => row['symbol'] === 'BTCUSDT');
      expect(trades.map((t) => [t['event_time'], t['price'], t['quantity'], t['side']])).toEqual(
        market?.trades('BTCUSDT', FROM, FROM + durationMs).map((t) => [t.at * 1000, t.price, t.quantity, t.side]),
      );
      expect(new Set(trades.map((t) => t['trade_id'])).size).toBe(trades.length);
      const candles = (await of('candles')).filter((row) => row['symbol'] === 'BTCUSDT');
      const minute = Math.ceil(FROM / 60_000) * 60_000;
      expect(candles.map((c) => [c['close_time'], c['closed']])).toEqual([
        [minute * 1000, true],
        [(minute + 60_000) * 1000, true],
        [(minute + 120_000) * 1000, false],
      ]);
      const whole = market?.candle('BTCUSDT', minute, minute + 60_000);
      expect([candles[1]?.['open'], candles[1]?.['volume'], candles[1]?.['quote_volume']]).toEqual([
        whole?.open,
        whole?.volume,
        whole?.quoteVolume,
      ]);
    }
  });

  it('is the same each time, and differs by seed', async () => {
    const text = async (seed: number): Promise<string> => {
      const options = { from: FROM, durationMs: 3000, symbols: ['BTCUSDT'], markets: ['bybit_futures'] };
      const files = await exportTruth({ seed, dir: await folder(), ...options });
      return (await Promise.all(files.map((f) => readFile(f.path, 'utf8')))).join('');
    };
    expect(await text(7)).toBe(await text(7));
    expect(await text(7)).not.toBe(await text(8));
  });

  it('takes venues for their markets', async () => {
    const options = { seed: 7, from: FROM, durationMs: 200, dir: await folder(), symbols: ['ARUSDT'] };
    const files = await exportTruth({ ...options, markets: ['bybit', 'bybit_spot'] });
    expect(new Set(files.map((f) => f.market))).toEqual(new Set(['bybit_futures', 'bybit_spot']));
    expect(files).toHaveLength(14);
  });

  it('ends when it is told to, however long it would be', async () => {
    const stop = new AbortController();
    const options = { seed: 7, from: FROM, durationMs: 86_400_000 * 365, dir: await folder(), symbols: ['ARUSDT'] };
    const exporting = exportTruth({ ...options, markets: ['bybit_spot'], signal: stop.signal });
    setTimeout(() => stop.abort(new Error('enough')), 50);
    await expect(exporting).rejects.toThrow('enough');
  });

  it('names an unknown market', async () => {
    const options = { seed: 7, from: FROM, durationMs: 1000, dir: await folder(), markets: ['bybit_linear'] };
    await expect(exportTruth(options)).rejects.toThrow(InvalidInput);
    await expect(exportTruth(options)).rejects.toThrow(/'bybit_linear' is not a simulated market.*bybit_futures/);
  });
});
