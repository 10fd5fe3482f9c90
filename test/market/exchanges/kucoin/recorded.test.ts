import { describe, expect, it } from 'vitest';
import { BookSet, type BookProblem } from '../../../../src/market/collect/books.ts';
import type { MarketRecord } from '../../../../src/market/domain/records.ts';
import { exemptionOf } from '../exemptions.ts';
import { decodeAny, decodeFrame, hasData, isoToUs, json, jsonLines, lines, marketOf } from '../recorded/data.ts';
import { compareResult, contractsOfOne } from '../recorded/reference.ts';

const RECEIVED = 1_700_000_000_000_000;
const spot = marketOf('kucoin_spot');
const futures = marketOf('kucoin_futures');

describe.runIf(hasData('ws_cryptofeed'))('cryptofeed capture', () => {
  it('changes of spot books have no gap and continue their snapshots; what is lost is noticed', () => {
    const list = lines('ws_cryptofeed/KUCOIN.0.gz').find((line) => line.startsWith('https:')) ?? '';
    const instruments = spot.parseInstruments(list.slice(list.indexOf('{')));
    expect(instruments.length).toBeGreaterThan(300);
    const decoder = spot.createDecoder({ instruments });
    const changes: Extract<MarketRecord, { stream: 'book' }>[] = [];
    for (const line of lines('ws_cryptofeed/KUCOIN.ws.1.0.gz')) {
      if (!/^\d/.test(line)) continue;
      const frame = line.slice(line.indexOf(': ') + 2);
      const { verdict, records } = decodeFrame(decoder, frame, RECEIVED);
      expect(['data', 'control'], `${frame.slice(0, 160)} ${JSON.stringify(verdict)}`).toContain(verdict.kind);
      for (const record of records) if (record.stream === 'book') changes.push(record);
    }
    expect(changes).toHaveLength(3027);
    const last = new Map<string, number | null>();
    for (const change of changes) {
      const held = last.get(change.symbol);
      if (held !== undefined) {
        expect(spot.book.next({ lastSeq: held, fromSnapshot: false }, change), `${change.symbol} ${change.seq}`).toBe(
          'apply',
        );
      }
      last.set(change.symbol, change.seq);
    }
    expect(last.size).toBe(6);

    const snapshots = lines('ws_cryptofeed/KUCOIN.http.0.0.gz').flatMap((line) => {
      const symbol = /symbol=([A-Z0-9-]+)/.exec(line)?.[1]?.replace('-', '') ?? '';
      const records: MarketRecord[] = [];
      const body = line.slice(line.indexOf('{'));
      spot.rest.book_snapshot?.decode(body, { symbol }, RECEIVED, { instruments }, (r) => records.push(r));
      return records.flatMap((record) => (record.stream === 'book' ? [record] : []));
    });
    const run = (skip: number): BookProblem[] => {
      const problems: BookProblem[] = [];
      const rule = { ...spot.book, snapshot: 'rest' as const };
      const books = new BookSet({ rule, polled: false, onProblem: (problem) => problems.push(problem) });
      for (const [i, change] of changes.entries()) if (i !== skip) books.apply(change);
      for (const snapshot of snapshots) books.apply(snapshot);
      return problems;
    };
    expect(run(-1)).toEqual([]);
    const busiest = changes.at(-1)?.symbol;
    const own = changes.flatMap((change, i) => (change.symbol === busiest ? [i] : []));
    expect(run(own.at(-2) ?? 0)).toMatchObject([{ symbol: busiest }]);
  });
});

describe.runIf(hasData('oracle_tardis_mappers'))('tardis mappers', () => {
  const symbolIn = (message: any): string => String(message.topic ?? '').split(':')[1] ?? '';

  it.each([
    ['kucoin.json', 'kucoin_spot', 4],
    ['kucoin_futures.json', 'kucoin_futures', 4],
  ])('%s: trades, best prices and book changes after the snapshot', (file, key, least) => {
    const market = marketOf(key);
    const { records: all } = json(`oracle_tardis_mappers/${file}`);
    const symbols = all.map(({ message }: any) => symbolIn(message)).filter((symbol: string) => symbol !== '');
    const decoder = market.createDecoder({ instruments: contractsOfOne(key, symbols) });
    let compared = 0;
    for (const { message, localTimestamp, expected } of all) {
      const { verdict, records } = decodeFrame(decoder, JSON.stringify(message), Date.parse(localTimestamp) * 1000);
      if (exemptionOf('kucoin', message) !== undefined) continue;
      expect(verdict.kind, JSON.stringify(message).slice(0, 200)).not.toBe('rejected');
      for (const one of expected ?? []) {
        if (one.type === 'derivative_ticker') {
          for (const record of records) {
            expect(record.event_time).toBe(isoToUs(one.timestamp) + timeOf(message, one));
            if (record.stream === 'funding_rates') expect(record.funding_rate).toBe(one.fundingRate);
            if (record.stream === 'mark_prices') {
              expect([record.mark_price, record.index_price]).toEqual([one.markPrice, one.indexPrice]);
            }
          }
          compared++;
        } else if (one.type !== 'book_change' || message.data.time !== undefined) {
          compared += Number(compareResult(one, records));
        } else {
          // Frames without a time: ours and the reference's are when they came.
          const book: any = records.find(({ stream }) => stream === 'book');
          expect([...book.bids, ...book.asks]).toEqual([...one.bids, ...one.asks].map((l: any) => [l.price, l.amount]));
          compared++;
        }
      }
    }
    expect(compared).toBeGreaterThanOrEqual(least);
  });
});

/** The reference keeps the funding's time for marks that are later; ours is each message's own. */
function timeOf(message: any, expected: any): number {
  return message.data.timestamp * 1000 - isoToUs(expected.timestamp);
}

describe.runIf(hasData('raw_crypto_msg_parser'))('crypto-msg-parser', () => {
  const instruments = futures.parseInstruments(
    JSON.stringify({
      data: ['XBTUSDTM', 'XBTUSDM', 'XBTMH21', 'XBTMM21', 'XBTMM22'].map((symbol) => ({
        symbol,
        baseCurrency: 'XBT',
        quoteCurrency: symbol === 'XBTUSDTM' ? 'USDT' : 'USD',
        lotSize: 1,
        tickSize: 1,
        multiplier: symbol === 'XBTUSDTM' ? 0.001 : -1,
        isInverse: symbol !== 'XBTUSDTM',
        status: 'Open',
      })),
    }),
  );

  it('frames and bodies decode to the reference', () => {
    let compared = 0;
    for (const { kind, test, market_type: type, raw, expected } of jsonLines('raw_crypto_msg_parser/kucoin.jsonl')) {
      const market = type === 'Spot' ? spot : futures;
      const listed = market === futures ? instruments : [];
      const { verdict, records } = decodeAny(market, market.createDecoder({ instruments: listed }), raw, RECEIVED);
      const context = `${String(kind)} ${String(test)} ${JSON.stringify(verdict)}`;
      expect(verdict.kind, context).toMatch(/^(data|control)$/);
      const [first]: any[] = records;
      for (const [expression, wanted] of Object.entries<any>(first === undefined ? {} : expected)) {
        const level = /^orderbook\.(bids|asks)\[(\d+)\]\.(\w+)/.exec(expression);
        const contract = type === 'LinearSwap' ? 1000 : first.price;
        let given: unknown;
        if (level !== null) {
          const [price, size] = first[level[1] ?? ''][Number(level[2])];
          const inverse = type.startsWith('Inverse');
          const unit = level[3] === 'quantity_base' ? 1 : inverse || level[3] === 'quantity_quote' ? price : 1000;
          given = level[3] === 'price' ? price : size * unit;
        } else if (/\.(asks|bids)\.len\(\)$/.test(expression))
          given = first[expression.includes('asks') ? 'asks' : 'bids'].length;
        else if (expression === 'trades.len()') given = records.length;
        else if (expression === 'trade.side') given = first.side;
        else if (expression === 'trade.quantity_quote') given = first.quantity * contract;
        else if (/^bbo_msg\.(ask|bid)_price$/.test(expression)) given = first[expression.slice(8)];
        else if (/^bbo_msg\.(ask|bid)_quantity_base$/.test(expression)) given = first[`${expression.slice(8, 11)}_qty`];
        else if (/^candlestick_msg\.(open|high|low|close|volume)$/.test(expression))
          given = first[expression.slice(16)];
        else if (expression === 'candlestick_msg.begin_time') given = first.open_time / 1e6;
        else if (/timestamp/.test(expression)) given = Math.floor(first.event_time / 1000);
        else continue; // names are ours, and lengths are written otherwise
        if (typeof wanted === 'number' && wanted !== 0) {
          expect(Number(given) / wanted, `${expression} ${context}`).toBeCloseTo(1, 9);
        } else expect(given, `${expression} ${context}`).toBe(wanted);
        compared++;
      }
    }
    expect(compared).toBeGreaterThan(50);
  });
});

describe.runIf(hasData('fixtures_jkorf'))('messages of other projects', () => {
  it('are read', () => {
    let read = 0;
    for (const { file, role, json: frame } of jsonLines('fixtures_jkorf/kucoin/parsed.jsonl')) {
      if (
        role !== 'update' ||
        !/^Subscriptions\/(Futures|Spot)\/(Book|AggBook|Ticker|Tickers|Trades|Snapshot|MarkPrice|PartialBook)\./.test(
          file,
        )
      )
        continue;
      const market = /Futures/.test(file) ? futures : spot;
      const decoder = market.createDecoder({
        instruments: contractsOfOne(`kucoin_${market.market}`, ['XBTUSDM', 'XBTUSDTM']),
      });
      const { verdict, records } = decodeFrame(decoder, JSON.stringify(frame), RECEIVED);
      expect(verdict.kind, `${String(file)} ${JSON.stringify(verdict)}`).toMatch(/^(data|control)$/);
      read += records.length;
    }
    expect(read).toBeGreaterThan(6);
  });
});
