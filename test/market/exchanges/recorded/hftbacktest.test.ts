import { describe, expect, it } from 'vitest';
import type { BookRecord, PriceLevel, PriceRecord, TradeRecord } from '../../../../src/market/domain/records.ts';
import { decodeAny, hasData, lines, marketOf } from './data.ts';

/** One side of a book, best first. */
class Side {
  readonly levels: [number, number][] = [];

  readonly direction: 1 | -1;

  constructor(direction: 1 | -1) {
    this.direction = direction;
  }

  set([price, size]: PriceLevel): void {
    let low = 0;
    let high = this.levels.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.levels[middle]![0] - price) * this.direction > 0) low = middle + 1;
      else high = middle;
    }
    const found = this.levels[low]?.[0] === price;
    if (size === 0) {
      if (found) this.levels.splice(low, 1);
    } else this.levels.splice(low, found ? 1 : 0, [price, size]);
  }
}

/** Figures of REPLAY_INVARIANTS.json beside the recordings: skipped and applied changes, trades, the book at the end. */
const FILES = [
  [
    'usdm_btcusdt_20240808.gz',
    'binance_futures',
    { skipped: 4, applied: 6547, trades: 21_313, last: [61659.7, 61659.8], levels: [5018, 4578] },
  ],
  [
    'spot_btcusdt_20240808.gz',
    'binance_spot',
    { skipped: 2, applied: 3449, trades: 9757, last: [61685.99, 61686], levels: [1209, 2196] },
  ],
  [
    'cm_ethusd_perp_20240808.gz',
    'binance_futures',
    { skipped: 22, applied: 22_887, trades: 1732, last: [2682.01, 2682.02], levels: [1029, 943] },
  ],
] as const;

describe.runIf(hasData('ws_hftbacktest'))('full feeds of hftbacktest', () => {
  it.each(FILES)('%s: no gap, book equals best bid and ask', (file, key, truth) => {
    const market = marketOf(key);
    const decoder = market.createDecoder({ instruments: [] });
    const books: BookRecord[] = [];
    const prices: PriceRecord[] = [];
    const trades: TradeRecord[] = [];
    for (const line of lines(`ws_hftbacktest/${file}`)) {
      const at = line.indexOf(' ');
      const received = Number(BigInt(line.slice(0, at)) / 1000n);
      const { verdict, records } = decodeAny(market, decoder, line.slice(at + 1), received);
      if (verdict.kind !== 'data') expect.fail(`${JSON.stringify(verdict)}: ${line.slice(0, 200)}`);
      for (const record of records) {
        if (record.stream === 'book') books.push(record);
        else if (record.stream === 'prices') prices.push(record);
        else if (record.stream === 'trades') trades.push(record);
      }
    }
    expect(trades).toHaveLength(truth.trades);
    trades.forEach((trade, i) => {
      if (i > 0) expect(trade.seq! - trades[i - 1]!.seq!).toBe(1);
    });
    const { skipped, applied, compared, bids, asks } = replay(market.book.next, books, prices);
    expect({ skipped, applied }).toEqual({ skipped: truth.skipped, applied: truth.applied });
    expect(compared).toBe(truth.applied);
    expect([bids.levels[0]![0], asks.levels[0]![0]]).toEqual(truth.last);
    expect([bids.levels.length, asks.levels.length]).toEqual(truth.levels);
  });
});

function replay(
  next: ReturnType<typeof marketOf>['book']['next'],
  books: readonly BookRecord[],
  prices: readonly PriceRecord[],
) {
  const bids = new Side(1);
  const asks = new Side(-1);
  const apply = (change: BookRecord): void => {
    for (const level of change.bids) bids.set(level);
    for (const level of change.asks) asks.set(level);
  };
  const snapshot = books.find((change) => change.kind === 'snapshot');
  if (snapshot === undefined) throw new Error('no snapshot');
  apply(snapshot);
  let state = { lastSeq: snapshot.seq, fromSnapshot: true };
  let [skipped, applied, compared, ticker] = [0, 0, 0, 0];
  const tickers = [...prices].sort((a, b) => a.seq! - b.seq!);
  for (const change of books) {
    if (change.kind === 'snapshot') continue;
    const verdict = next(state, change);
    if (verdict === 'gap') throw new Error(`gap at ${String(change.seq)}`);
    if (verdict === 'skip') {
      skipped++;
      continue;
    }
    apply(change);
    applied++;
    state = { lastSeq: change.seq, fromSnapshot: false };
    while (ticker < tickers.length && tickers[ticker]!.seq! <= change.seq!) ticker++;
    const best = tickers[ticker - 1];
    if (best === undefined) continue;
    const given = [bids.levels[0]?.[0], asks.levels[0]?.[0]];
    if (given[0] !== best.bid_price || given[1] !== best.ask_price) {
      throw new Error(
        `book ${given.join('/')} but best ${String(best.bid_price)}/${String(best.ask_price)} at ${String(change.seq)}`,
      );
    }
    compared++;
  }
  return { skipped, applied, compared, bids, asks };
}
