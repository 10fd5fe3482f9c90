import { describe, expect, it } from 'vitest';
import type { MarketRecord } from '../../../../src/market/domain/records.ts';
import type { VenueMarket } from '../../../../src/market/exchanges/contract.ts';
import { deviationOf, exemptionOf } from '../exemptions.ts';
import { contractsOfOne } from './reference.ts';
import { decodeAny, hasData, jsonLines, marketOf } from './data.ts';

/**
 * Every literal that crypto-msg-parser asserts, of every venue: it matches, its frame is exempt, or it is a listed
 * deviation. Names are ours and not compared. Quantities are converted: quote = price × base; contracts = base ÷ size,
 * of inverse ones quote ÷ size.
 */
const RECEIVED = 1_700_000_000_000_000;

/**
 * Linear contracts of the recordings with base units each; inverse ones follow from their names. Contracts of options are
 * taken for base units.
 */
const LINEAR: Readonly<Record<string, readonly [RegExp, number]>> = {
  okx: [/\bBTC-USDT-(?:SWAP|\d{6})/g, 0.01],
  okx_options: [/\b[A-Z]+-USD-\d{6}-\d+-[CP]/g, 1],
  gateio: [/BTC_USDT(?:_\d{8})?/g, 0.0001],
  kucoin: [/\bXBTUSDTM/g, 0.001],
};

const FILES = [
  ['binance', 'binance', 200],
  ['bybit', 'bybit', 0],
  ['deribit', 'deribit', 120],
  ['gate', 'gateio', 110],
  ['kraken', 'kraken', 60],
  ['kucoin', 'kucoin', 110],
  ['okx', 'okx', 100],
] as const;

function marketFor(exchange: string, type: string, raw: string): VenueMarket {
  const option = OPTION.test(raw);
  return marketOf(`${exchange}_${type === 'Spot' && !option ? spotOf(exchange) : option ? 'options' : 'futures'}`);
}

/** BTC-24JUN22-50000-C of Deribit, BTC-USD-220624-50000-C of OKX, in a channel too. */
const OPTION = /-[\d.]+-[CP][."]/;

const spotOf = (exchange: string): string => (exchange === 'deribit' ? 'futures' : 'spot');

/** Value of a contract as its exchange lists it: of base units, or inverse of USD. */
function contractOf(exchange: string, type: string, raw: string): { readonly inverse: boolean; readonly size: number } {
  const inverse = type.startsWith('Inverse') && exchange !== 'bybit';
  if (!inverse) return { inverse, size: LINEAR[exchange]?.[1] ?? 1 };
  const hundred = /BTC-USD-|BTCUSD_/i.test(raw);
  return { inverse, size: exchange === 'okx' || exchange === 'binance' ? (hundred ? 100 : 10) : 1 };
}

interface Answering {
  readonly records: readonly MarketRecord[];
  readonly contract: ReturnType<typeof contractOf>;
}

const RULES: readonly (readonly [RegExp, (match: RegExpExecArray, told: Answering) => unknown])[] = [
  [
    /^orderbook\.(bids|asks)\[(\d+)\]\.(price|quantity_\w+)/,
    (m, told) => {
      const [price = NaN, size = NaN] = one(told, 'book')?.[m[1] === 'bids' ? 'bids' : 'asks'][Number(m[2])] ?? [];
      return amount(told, price, size, m[3] ?? '');
    },
  ],
  [/^orderbook\.(bids|asks)\.len/, (m, told) => one(told, 'book')?.[m[1] === 'bids' ? 'bids' : 'asks'].length],
  [
    /^trades?(?:\[(\d)\])?\.(price|side|timestamp|quantity_\w+)/,
    (m, told) => {
      const trade = all(told, 'trades')[Number(m[1] ?? 0)];
      if (m[2] === 'side') return trade?.side;
      if (m[2] === 'timestamp') return (trade?.event_time ?? NaN) / 1000;
      return amount(told, trade?.price ?? NaN, trade?.quantity ?? NaN, m[2] ?? '');
    },
  ],
  [/^trades\.len/, (_, told) => all(told, 'trades').length],
  [
    /^bbo_msg\.(ask|bid)_(price|quantity_\w+)/,
    (m, told) => {
      const prices = one(told, 'prices');
      const [price, size] =
        m[1] === 'ask' ? [prices?.ask_price, prices?.ask_qty] : [prices?.bid_price, prices?.bid_qty];
      return amount(told, price ?? NaN, size ?? NaN, m[2] ?? '');
    },
  ],
  [/^candlestick_msg\.begin_time/, (_, told) => (one(told, 'candles')?.open_time ?? NaN) / 1e6],
  [/^(?:round\()?candlestick_msg\.quote_volume/, (_, told) => one(told, 'candles')?.quote_volume],
  [
    /^candlestick_msg\.(open|high|low|close|volume)$/,
    (m, told) => one(told, 'candles')?.[m[1] as 'open' | 'high' | 'low' | 'close' | 'volume'],
  ],
  [/^round\(candlestick_msg\.volume/, (_, told) => Math.round((one(told, 'candles')?.volume ?? NaN) * 1e4) / 1e4],
  [/^funding_rates\.len/, (_, told) => all(told, 'funding_rates').length],
  [
    /^funding_rates\[(\d)\]\.(funding_rate|funding_time|timestamp)$/,
    (m, told) => {
      const rate = all(told, 'funding_rates')[Number(m[1])];
      if (m[2] === 'funding_rate') return rate?.funding_rate;
      return ((m[2] === 'funding_time' ? rate?.next_funding_time : rate?.event_time) ?? NaN) / 1000;
    },
  ],
  [/timestamp$/, ({ input }, told) => timeOf(input, told)],
];

/** The message's own time: the latest of what is in it. */
function timeOf(_expression: string, { records }: Answering): number {
  return Math.floor((records.length === 0 ? NaN : Math.max(...records.map((r) => r.event_time))) / 1000);
}

function all<S extends MarketRecord['stream']>(told: Answering, stream: S): Extract<MarketRecord, { stream: S }>[] {
  return told.records.filter((record): record is Extract<MarketRecord, { stream: S }> => record.stream === stream);
}

const one = <S extends MarketRecord['stream']>(told: Answering, stream: S) => all(told, stream)[0];

function amount({ contract }: Answering, price: number, base: number, field: string): number {
  if (field === 'price') return price;
  if (field === 'quantity_base') return base;
  return field === 'quantity_quote' ? price * base : (contract.inverse ? price * base : base) / contract.size;
}

const NAMES = /symbol|pair|period|^arr\.len/;

describe.runIf(hasData('raw_crypto_msg_parser'))('crypto-msg-parser, each literal', () => {
  it.each(FILES)('%s', (file, exchange, least) => {
    let matched = 0;
    const wrong: string[] = [];
    for (const { kind, test, market_type: type, raw, expected } of jsonLines(`raw_crypto_msg_parser/${file}.jsonl`)) {
      const frame = JSON.parse(raw);
      if (exemptionOf(exchange, frame) !== undefined) continue;
      const market = marketFor(exchange, type, raw);
      const key = market.market === 'futures' ? exchange : `${exchange}_${market.market}`;
      const [names, size] = LINEAR[key] ?? [/(?!)/g, 1];
      const instruments = contractsOfOne(`${exchange}_${market.market}`, String(raw).match(names) ?? []).map((i) => ({
        ...i,
        contract_size: size,
      }));
      const { records } = decodeAny(market, market.createDecoder({ instruments }), raw, RECEIVED);
      const told = { records, contract: contractOf(exchange, type, raw) };
      for (const [expression, wanted] of Object.entries<any>(expected)) {
        if (NAMES.test(expression) || deviationOf(exchange, { kind, test, expression, frame }) !== undefined) continue;
        const rule = RULES.find(([pattern]) => pattern.test(expression));
        const given = rule?.[1](rule[0].exec(expression)!, told);
        if (agree(given, wanted)) matched++;
        else wrong.push(`${kind} ${test} ${expression}: ${String(wanted)}, ours ${String(given)}`);
      }
    }
    expect(wrong).toEqual([]);
    expect(matched).toBeGreaterThanOrEqual(least);
  });
});

function agree(given: unknown, wanted: unknown): boolean {
  if (typeof wanted !== 'number' || typeof given !== 'number') return given === wanted;
  return wanted === 0 ? given === 0 : Math.abs(given / wanted - 1) < 1e-9;
}
