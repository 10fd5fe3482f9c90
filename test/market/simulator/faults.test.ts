import { describe, expect, it } from 'vitest';
import { InvalidInput } from '../../../src/kit/errors.ts';
import type { SimulatedFrame, VenueSimulator } from '../../../src/market/exchanges/simulator-contract.ts';
import { simulators } from '../../../src/market/simulator/catalogue.generated.ts';
import { type AppliedFault, FaultDesk, type FaultState } from '../../../src/market/simulator/fault-desk.ts';
import { FAULTS, parseFaults } from '../../../src/market/simulator/faults.ts';
import { createSimulatedMarkets } from '../../../src/market/simulator/model/market.ts';

const START = Date.UTC(2026, 3, 1, 10, 0, 0);
const ALL = simulators.flat().map((s) => `${s.exchange}_${s.market}`);

describe('the grammar of faults', () => {
  it('reads name, offset, duration, period and target', () => {
    expect(parseFaults('disconnect@5s')).toEqual([
      { name: 'disconnect', offsetMs: 5000, durationMs: 0, everyMs: null, targets: ALL },
    ]);
    expect(parseFaults('gap@8s/2s, disconnect@250ms+60s,http429@1m/5s:bybit,stale@3s/4s+1m:binance_spot')).toEqual([
      { name: 'gap', offsetMs: 8000, durationMs: 2000, everyMs: null, targets: ALL },
      { name: 'disconnect', offsetMs: 250, durationMs: 0, everyMs: 60_000, targets: ALL },
      { name: 'http429', offsetMs: 60_000, durationMs: 5000, everyMs: null, targets: ['bybit_futures', 'bybit_spot'] },
      { name: 'stale', offsetMs: 3000, durationMs: 4000, everyMs: 60_000, targets: ['binance_spot'] },
    ]);
    expect(parseFaults('')).toEqual([]);
    expect(parseFaults('slow@1s')[0]?.durationMs).toBe(FAULTS.slow.durationMs);
  });

  it.each([
    ['gap@5x', /fault 'gap@5x'.*'5x' is not a duration/],
    ['gap@', /fault 'gap@'.*offset/],
    ['gap', /fault 'gap': write name@offset/],
    ['disconect@5s', /'disconect' is not a fault \(did you mean disconnect\?\); there are disconnect, gap,.*http418/],
    ['gap@5s/2q', /duration '2q' is not a duration/],
    ['gap@5s+x', /period 'x' is not a duration/],
    ['gap@5s/3s+2s', /the period 2s must be longer than the duration, 3000 ms/],
    ['gap@5s:binance_future', /'binance_future' is not a market \(did you mean binance_futures\?\).*bybit_spot/],
    ['gap@5s,,spike@1s', /fault ''/],
  ])('refuses %s and says what would do', (text, message) => {
    expect(() => parseFaults(text)).toThrow(InvalidInput);
    expect(() => parseFaults(text)).toThrow(message);
  });
});

const channels = new Set(['btcusdt@aggTrade', 'btcusdt@bookTicker', 'btcusdt@depth@100ms', 'btcusdt@markPrice@1s']);
const venue = simulators.flat().find((s) => s.exchange === 'binance' && s.market === 'futures') as VenueSimulator;
const market = createSimulatedMarkets({ seed: 5, symbols: ['BTCUSDT'], at: Date.UTC(2026, 4, 5) }).get(
  'binance_futures',
);

/** Ten seconds of frames through a fault desk, sent every 100 ms as the server would. */
function run(faults: string, seed = 5) {
  if (market === undefined) throw new Error('no market');
  const reports: AppliedFault[] = [];
  const desk = new FaultDesk(seed, 'binance_futures', parseFaults(faults), (fault) => reports.push(fault));
  desk.start(START);
  const state: FaultState = { held: [], overtaken: new Map(), done: new Set() };
  const sent: { at: number; text: string }[] = [];
  const truth: SimulatedFrame[] = [];
  for (let from = START; from < START + 10_000; from += 100) {
    const frames = venue.frames(market, channels, from, from + 100);
    truth.push(...frames);
    const options = { path: '/ws', to: from + 100, channels, restate: () => [] };
    for (const text of desk.deliver(frames, state, venue, options)) sent.push({ at: from + 100, text });
  }
  return { reports, desk, texts: sent.map((s) => s.text), sent, truth, original: truth.map((f) => f.text) };
}

describe('faults', () => {
  it('changes nothing without a fault, or before it is due', () => {
    expect(run('').texts).toEqual(run('').original);
    const later = run('gap@30s');
    expect(later.texts).toEqual(later.original);
    expect(later.reports).toEqual([]);
  });

  it('gap: loses exactly the frames of its time', () => {
    const { texts, truth, reports } = run('gap@3s/2s');
    const kept = truth.filter((f) => f.at < START + 3000 || f.at >= START + 5000).map((f) => f.text);
    expect(texts).toEqual(kept);
    expect(reports).toMatchObject([{ name: 'gap', at: START + 3000, market: 'binance_futures' }]);
    expect(reports[0]?.details['frames_lost']).toBe(truth.length - kept.length);
  });

  it('gap: comes again with a period', () => {
    const { texts, truth, reports } = run('gap@1s/500ms+3s');
    const lost = (at: number): boolean => [1000, 4000, 7000].some((b) => at >= START + b && at < START + b + 500);
    expect(texts).toEqual(truth.filter((f) => !lost(f.at)).map((f) => f.text));
    expect(reports.map((r) => r.at - START)).toEqual([1000, 4000, 7000]);
  });

  it('duplicate: sends every frame of its time twice', () => {
    const { texts, truth } = run('duplicate@2s/1s');
    const hit = (f: SimulatedFrame): boolean => f.at >= START + 2000 && f.at < START + 3000;
    expect(texts).toEqual(truth.flatMap((f) => (hit(f) ? [f.text, f.text] : [f.text])));
  });

  it('reorder: swaps, and loses nothing', () => {
    const { texts, original, reports } = run('reorder@2s/4s');
    expect(texts).not.toEqual(original);
    expect(texts.toSorted()).toEqual(original.toSorted());
    expect(reports).toHaveLength(1);
  });

  it('spike: adds one bogus value and keeps the true frame', () => {
    const { texts, original, reports } = run('spike@2s');
    const added = texts.filter((text) => !original.includes(text));
    expect(added).toHaveLength(1);
    expect(texts.filter((text) => text !== added[0])).toEqual(original);
    const bad = JSON.parse(added[0] ?? '') as { e: string; b?: string; p?: string };
    const good = JSON.parse(original.find((text) => text.includes(`"e":"${bad.e}"`)) ?? '') as typeof bad;
    expect(Number(bad.b ?? bad.p) / Number(good.b ?? good.p)).toBeCloseTo(2, 1);
    expect(reports).toMatchObject([{ name: 'spike', at: START + 2000 }]);
    expect(added[0]).not.toContain('aggTrade');
  });

  it('crossed: makes one change of the book cross it', () => {
    const { texts, original } = run('crossed@2s');
    const changed = texts.filter((text) => !original.includes(text));
    expect(changed).toHaveLength(1);
    expect(texts).toHaveLength(original.length);
    const frame = JSON.parse(changed[0] ?? '') as { b: [string, string][]; a: [string, string][] };
    expect(Number(frame.b[0]?.[0])).toBeGreaterThan(Number(frame.a[0]?.[0]));
    expect(Number(frame.b[0]?.[1])).toBeGreaterThan(0);
  });

  it('stale: silences one channel only', () => {
    const { texts, truth, reports } = run('stale@1s/5s');
    const silenced = reports[0]?.details['channel'];
    expect(channels.has(String(silenced))).toBe(true);
    const kept = truth.filter((f) => f.channel !== silenced || f.at < START + 1000 || f.at >= START + 6000);
    expect(kept.length).toBeLessThan(truth.length);
    expect(texts).toEqual(kept.map((f) => f.text));
  });

  it('malformed: cuts one frame, or all of its time', () => {
    const broken = (texts: readonly string[]): string[] =>
      texts.filter((text) => {
        try {
          JSON.parse(text);
          return false;
        } catch {
          return true;
        }
      });
    expect(broken(run('malformed@2s').texts)).toHaveLength(1);
    const { texts, truth } = run('malformed@2s/1s');
    const hit = truth.filter((f) => f.at >= START + 2000 && f.at < START + 3000);
    expect(broken(texts).length).toBe(hit.length);
    expect(texts).toHaveLength(truth.length);
  });

  it('slow: holds frames back and sends them in order', () => {
    const { sent, texts, original } = run('slow@2s/3s');
    expect(texts).toEqual(original);
    expect(sent.filter((s) => s.at > START + 2100 && s.at < START + 5000)).toEqual([]);
    expect(sent.filter((s) => s.at >= START + 5000).length).toBeGreaterThan(50);
  });

  it('http429 and http418: refuse for their time', () => {
    const { desk, reports } = run('http429@2s/3s,http418@8s/2500ms');
    expect(desk.rest(START + 1999)).toBeUndefined();
    expect(desk.rest(START + 2000)).toEqual({ status: 429, retryAfterSeconds: 3 });
    expect(desk.rest(START + 4500)).toEqual({ status: 429, retryAfterSeconds: 1 });
    expect(desk.rest(START + 5000)).toBeUndefined();
    // Nobody asked until 20 s: the fault waits for the request.
    expect(desk.rest(START + 20_000)).toEqual({ status: 418, retryAfterSeconds: 3 });
    expect(desk.rest(START + 22_499)).toEqual({ status: 418, retryAfterSeconds: 1 });
    expect(desk.rest(START + 22_500)).toBeUndefined();
    expect(reports.map((r) => [r.name, r.at - START])).toEqual([
      ['http429', 2000],
      ['http418', 20_000],
    ]);
  });

  it('disconnect: falls into one sending, and refuses meanwhile', () => {
    const { desk } = run('disconnect@2s/1s');
    expect(desk.disconnect(START + 1900, START + 2000)).toBe(false);
    expect(desk.disconnect(START + 2000, START + 2050)).toBe(true);
    expect(desk.disconnect(START + 2050, START + 2100)).toBe(false);
    expect(desk.refuses(START + 2999)).toBe(true);
    expect(desk.refuses(START + 3000)).toBe(false);
  });

  it('is the same under the same seed', () => {
    const faults = 'gap@1s/300ms,reorder@2s/3s,stale@5s/2s,spike@6s,crossed@7s,malformed@8s,duplicate@9s';
    expect(run(faults).texts).toEqual(run(faults).texts);
    expect(run(faults, 5).reports).toEqual(run(faults, 5).reports);
  });

  it('spoils Bybit frames so that each is still read, with the wrong value', () => {
    const bybit = simulators.flat().find((s) => s.exchange === 'bybit' && s.market === 'futures') as VenueSimulator;
    const linear = createSimulatedMarkets({ seed: 5, symbols: ['BTCUSDT'], at: Date.UTC(2026, 4, 5) }).get(
      'bybit_futures',
    );
    if (linear === undefined) throw new Error('no market');
    const topics = new Set(['tickers.BTCUSDT', 'orderbook.50.BTCUSDT', 'publicTrade.BTCUSDT']);
    const frames = [
      ...bybit.onSubscribe(linear, [...topics], START),
      ...bybit.frames(linear, topics, START, START + 2000),
    ];
    const spiked = frames.map((f) => bybit.spoil(f, 'spike')).filter((f) => f !== undefined);
    const crossed = frames.map((f) => bybit.spoil(f, 'crossed')).filter((f) => f !== undefined);
    expect(spiked.length).toBeGreaterThan(0);
    expect(crossed.length).toBeGreaterThan(0);
    const ticker = JSON.parse(spiked[0]?.text ?? '') as { data: { markPrice: string } };
    expect(Number(ticker.data.markPrice)).toBeCloseTo(linear.mark('BTCUSDT', START).mark * 2, 0);
    for (const frame of crossed) {
      const { data } = JSON.parse(frame.text) as { data: { a: [string, string][]; b: [string, string][] } };
      expect(Number(data.b[0]?.[0])).toBeGreaterThan(Number(data.a[0]?.[0]));
    }
  });
});
