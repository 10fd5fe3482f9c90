import { expect, test } from 'vitest';
import { Pipeline } from '../../../../src/market/collect/pipeline.ts';
import {
  paint,
  summarise,
  type CoverageChange,
  type CoverageHead,
  type CoverageInterval,
} from '../../../../src/market/domain/coverage.ts';
import { SEGMENT_START, type StateNote } from '../../../../src/market/collect/keyframe.ts';
import type { TapeItem } from '../../../../src/market/domain/tape.ts';
import { marketOf } from '../../exchanges/recorded/data.ts';

const SECOND = 1_000_000;
const END = Date.UTC(2026, 5, 26, 8) * 1000;
const OPEN = END - 60 * SECOND;
const NAMES = { ends: 'BTC-26JUN26-100000-C', stays: 'BTC-25SEP26-100000-C' };
const SYMBOL = 'BTC_26JUN26_100000_C';
const OTHER = 'BTC_25SEP26_100000_C';
const base = { exchange: 'deribit', market: 'options', connection: 'deribit_options#1.1' } as const;

const listed = (...names: string[]): string =>
  JSON.stringify({
    jsonrpc: '2.0',
    result: names.map((name) => ({
      instrument_name: name,
      ...{ kind: 'option', is_active: true, base_currency: 'BTC', quote_currency: 'BTC', settlement_currency: 'BTC' },
      ...{ option_type: 'call', strike: 100_000, tick_size: 0.0001, min_trade_amount: 0.1 },
      expiration_timestamp: name === NAMES.ends ? END / 1000 : Date.UTC(2026, 8, 25, 8),
    })),
  });
const instruments = (at: number, ...names: string[]): TapeItem => ({
  ...{ kind: 'rest', recv_time: at, ...base, call: 'instruments', args: {}, body: listed(...names) },
});
const frame = (at: number, name: string): TapeItem => {
  const data = [{ trade_seq: at, trade_id: String(at), timestamp: at / 1000, price: 0.01, amount: 1 }];
  const rows = data.map((row) => ({ ...row, direction: 'buy', instrument_name: name }));
  const message = { jsonrpc: '2.0', method: 'subscription', params: { channel: `trades.${name}.100ms`, data: rows } };
  return { kind: 'frame', recv_time: at, ...base, bytes: new TextEncoder().encode(JSON.stringify(message)) };
};

/** What a pipeline says of two options of which the first runs out, and the tape that made it say so. */
class Chain {
  readonly #told = new Map<string, CoverageInterval[]>();
  readonly #heads = new Map<string, CoverageHead>();
  pipeline = this.#open();

  push(...items: readonly TapeItem[]): void {
    for (const item of items) this.pipeline.process(item);
    for (const head of this.pipeline.takeHeads()) {
      this.#heads.set(head.symbol, head);
      if (head.run !== null) this.#paint({ ...head, ...head.run, mode: 'raise' });
    }
  }

  /** Goes on in another process, from what a segment of the tape begins with. */
  reopen(at: number): void {
    const notes: readonly StateNote[] = this.pipeline.state();
    this.pipeline = this.#open();
    this.push(...notes.map((note): TapeItem => ({ kind: 'note', recv_time: at, ...note })));
  }

  coverage(symbol: string, to: number) {
    const series = { exchange: 'deribit', market: 'options', symbol, stream: 'trades' } as const;
    const head = this.#heads.get(symbol) ?? null;
    const intervals = this.#told.get(symbol) ?? [];
    return summarise(series, { from: OPEN, to, now: to, intervals, head, quarantinedRows: 0 });
  }

  #open(): Pipeline {
    return new Pipeline({
      markets: [marketOf('deribit_options')],
      bookIntervalMs: 0,
      sink: () => undefined,
      onCoverage: (change) => this.#paint(change),
    });
  }

  #paint(change: CoverageChange): void {
    this.#told.set(change.symbol, paint(this.#told.get(change.symbol) ?? [], change));
  }
}

test.each([false, true])(
  'an option that ran out and left the list is not missing for ever (restart: %s)',
  (restart) => {
    const chain = new Chain();
    const series = [SYMBOL, OTHER].map((symbol) => ({ symbol, stream: 'trades' as const }));
    chain.push(
      instruments(OPEN, NAMES.ends, NAMES.stays),
      { kind: 'connected', recv_time: OPEN, ...base, url: 'wss://deribit', series, acknowledgements: 0 },
      frame(END - 10 * SECOND, NAMES.ends),
      frame(END + 30 * SECOND, NAMES.stays),
    );
    if (restart) chain.reopen(END + 31 * SECOND);
    chain.push(instruments(END + 40 * SECOND, NAMES.stays), {
      ...{ kind: 'disconnected', recv_time: END + 41 * SECOND, ...base, reason: 'not wanted any more' },
    });
    const later = END + 86_400 * SECOND;
    const ended = chain.coverage(SYMBOL, later);
    expect([ended.complete, ended.share, ended.times.missing]).toEqual([true, 1, 0]);
    expect(ended.knownTo).toBeGreaterThanOrEqual(END);
    expect(ended.knownTo).toBeLessThan(END + 42 * SECOND);
    // The other one did not end: what is not collected of it is missing, and says why.
    const cut = chain.coverage(OTHER, later);
    expect(cut.complete).toBe(false);
    expect(cut.intervals.at(-1)).toMatchObject({ state: 'missing', reason: 'not wanted any more', to: later });
  },
);

test('an option that is dropped before it runs out is missing from there', () => {
  const chain = new Chain();
  const series = [{ symbol: SYMBOL, stream: 'trades' as const }];
  chain.push(
    instruments(OPEN, NAMES.ends, NAMES.stays),
    { kind: 'connected', recv_time: OPEN, ...base, url: 'wss://deribit', series, acknowledgements: 0 },
    frame(OPEN + 20 * SECOND, NAMES.ends),
    { kind: 'disconnected', recv_time: OPEN + 21 * SECOND, ...base, reason: 'not wanted any more' },
  );
  const coverage = chain.coverage(SYMBOL, END);
  expect(coverage.intervals.at(-1)).toMatchObject({ state: 'missing', reason: 'not wanted any more', to: END });
});

test.each([
  ['was stopped', true],
  ['was killed', false],
])('an option that ran out while the process %s is missing up to its end and no further', (_how, told) => {
  const chain = new Chain();
  const series = [SYMBOL, OTHER].map((symbol) => ({ symbol, stream: 'trades' as const }));
  const stop = { kind: 'disconnected' as const, recv_time: END - 20 * SECOND, ...base, reason: 'the process stopped' };
  chain.push(
    instruments(OPEN, NAMES.ends, NAMES.stays),
    { kind: 'connected', recv_time: OPEN, ...base, url: 'wss://deribit', series, acknowledgements: 0 },
    frame(END - 30 * SECOND, NAMES.ends),
    frame(END - 20 * SECOND, NAMES.stays),
    ...(told ? [stop] : []),
  );
  const again = END + 3600 * SECOND;
  chain.reopen(again);
  chain.push({ kind: 'note', recv_time: again, ...base, note: SEGMENT_START, data: { open: [] } });
  const connection = 'deribit_options#2.1';
  chain.push(instruments(again, NAMES.stays), {
    ...{ kind: 'connected', recv_time: again, ...base, connection, url: 'wss://deribit' },
    ...{ series: series.slice(1), acknowledgements: 0 },
  });
  const coverage = chain.coverage(SYMBOL, END + 86_400 * SECOND);
  const why = told ? 'the process stopped' : 'the process ended';
  expect(coverage.intervals.at(-1)).toEqual({ from: END - 20 * SECOND, to: END, state: 'missing', reason: why });
  expect(coverage.times.missing).toBe(20 * SECOND);
  expect([coverage.complete, coverage.knownTo]).toEqual([false, END]);
});
