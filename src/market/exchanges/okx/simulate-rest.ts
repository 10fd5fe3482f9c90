import type { Ms } from '../../../kit/clock.ts';
import type { Instrument } from '../../domain/instrument.ts';
import type { Market } from '../../domain/records.ts';
import type { SimulatedAnswer, SimulatedMarket, VenueSimulator } from '../simulator-contract.ts';
import {
  barLength,
  barsOf,
  byVenueSymbol,
  contractsText,
  digitsOf,
  limitOf,
  LISTED_AT,
  MINUTE,
  numberIn,
  plain,
  ticks,
} from '../shared/simulated.ts';
import {
  bookRow,
  candleRow,
  fundingRow,
  indexRow,
  interestRow,
  markRow,
  tickerRow,
  tradeRow,
} from './simulate-frames.ts';
import { familiesOf, optionFields } from './simulate-options.ts';
import { insuranceFund, optionIds, optionRow, platformVolume, statistic } from './simulate-statistics.ts';
import { indexOf, kindOf } from './wire.ts';

/* REST of the simulated OKX v5: https://www.okx.com/docs-v5/en/#order-book-trading-market-data and #public-data-rest-api. */

interface Request {
  readonly market: SimulatedMarket;
  readonly kind: Market;
  readonly query: URLSearchParams;
  readonly now: Ms;
}

interface Asked extends Request {
  readonly instrument: Instrument;
}

type Call = (request: Request) => SimulatedAnswer;

/** The recent list of bars. */
const RECENT_MS = 1440 * MINUTE;
/** Most rows of a page. */
const CANDLE_ROWS = 300;
const MARK_ROWS = 100;
/** Calls about derivatives. */
const SWAP_ONLY = /mark-price|funding-rate|open-interest/;
/** Calls that there are of options too. */
const OF_OPTIONS = /^\/api\/v5\/(?:public\/(?:time|instruments|underlying|open-interest|mark-price)$|market\/)/;
const INTEREST_STEP = 5 * MINUTE;
const TRADES_REACH = 90 * 86_400_000;

/** The REST half of one OKX market. */
export function restOf(kind: Market): VenueSimulator['rest'] {
  return (market, { path, query }, now) => {
    const call = CALLS[path.replace(/^\/api\/v5\//, '')];
    if (call === undefined || !path.startsWith('/api/v5/')) return undefined;
    if ((kind === 'spot' && SWAP_ONLY.test(path)) || (kind === 'options' && !OF_OPTIONS.test(path)))
      return failure('51001', "Instrument ID doesn't exist.");
    return call({ market, kind, query, now: Math.floor(now) });
  };
}

export function failure(code: string, msg: string, status = 200): SimulatedAnswer {
  return { status, body: JSON.stringify({ code, msg, data: [] }), weight: 1 };
}

function ok(data: readonly unknown[], weight = 1): SimulatedAnswer {
  return { status: 200, body: JSON.stringify({ code: '0', msg: '', data }), weight };
}

/** For calls of one instrument. */
function ofInstrument(run: (request: Asked) => SimulatedAnswer): Call {
  return (request) => {
    const instId = request.query.get('instId');
    if (instId === null || instId === '') return failure('50014', 'Parameter instId can not be empty', 400);
    const instrument = byVenueSymbol(request.market, instId);
    return instrument === undefined
      ? failure('51001', "Instrument ID, Instrument ID code, or Spread ID doesn't exist.")
      : run({ ...request, instrument });
  };
}

function badLimit(): SimulatedAnswer {
  return failure('51000', 'Parameter limit error', 400);
}

/** [after, before): the venue's exclusive bounds, `after` being the later. */
function boundsOf(query: URLSearchParams): { readonly below: number; readonly above: number } {
  return { below: numberIn(query, 'after') ?? Infinity, above: numberIn(query, 'before') ?? -Infinity };
}

const time: Call = ({ now }) => ok([{ ts: String(now) }], 4);

/** What the market lists of a kind; undefined when that kind is not of this market. */
function ofType(market: SimulatedMarket, kind: Market, type: string | null): readonly Instrument[] | undefined {
  if (kind === 'spot') return type === 'SPOT' ? market.instruments : undefined;
  if (kind === 'options') return type === 'OPTION' ? market.instruments : undefined;
  if (type !== 'SWAP' && type !== 'FUTURES') return undefined;
  return market.instruments.filter((i) => kindOf(i.venue_symbol) === type);
}

const instruments: Call = ({ market, kind, query, now }) => {
  const listed = ofType(market, kind, query.get('instType'));
  if (listed === undefined) return failure('51000', 'Parameter instType error', 400);
  const family = query.get('instFamily');
  if (kind === 'options' && family === null) return failure('50014', 'Parameter instFamily can not be empty', 400);
  return ok(
    listed
      .filter((i) => [null, i.venue_symbol].includes(query.get('instId')))
      .filter((i) => family === null || indexOf(i.venue_symbol) === family)
      .filter((i) => (i.expiry_time ?? Infinity) > now * 1000)
      .map((i) => (kind === 'spot' ? spotInstrument(market, i) : futuresInstrument(market, i))),
    2,
  );
};

const books = ofInstrument(({ market, instrument, query, now }) => {
  const depth = limitOf(query, 'sz', 1, 400);
  if (depth === undefined) return failure('51000', 'Parameter sz error', 400);
  const book = market.book(instrument.symbol, now, depth);
  const row = bookRow(market, instrument, { at: now, lastSeq: book.seq, bids: book.bids, asks: book.asks }, -1);
  const { asks, bids, ts, seqId } = JSON.parse(row) as Record<string, unknown>;
  return ok([{ asks, bids, ts, seqId }]);
});

const recentTrades = ofInstrument(({ market, instrument, query, now }) => {
  const limit = limitOf(query, 'limit', 100, 500);
  if (limit === undefined) return badLimit();
  return ok(tradesBefore(market, instrument, market.tradeIdAt(instrument.symbol, now), limit, now));
});

/** By trade id (type 1) or time (type 2), newest first, of the last three months. */
const historyTrades = ofInstrument(({ market, instrument, query, now }) => {
  const limit = limitOf(query, 'limit', 100, 100);
  if (limit === undefined) return badLimit();
  const after = numberIn(query, 'after');
  const newest = market.tradeIdAt(instrument.symbol, now);
  const end =
    after === undefined
      ? newest
      : query.get('type') === '2'
        ? market.tradeIdAt(instrument.symbol, Math.min(after, now))
        : Math.min(after, newest);
  return ok(tradesBefore(market, instrument, end, limit, now), 2);
});

function tradesBefore(
  market: SimulatedMarket,
  instrument: Instrument,
  end: number,
  limit: number,
  now: Ms,
): readonly unknown[] {
  const { symbol } = instrument;
  const first = Math.max(end - limit, market.tradeIdAt(symbol, now - TRADES_REACH));
  return market
    .tradesFrom(symbol, first, Math.max(0, end - first), now)
    .map((t): unknown => JSON.parse(tradeRow(market, instrument, t)))
    .reverse();
}

function bars(
  archive: boolean,
  most: number,
  row: (request: Asked, openTime: Ms) => readonly string[] | undefined,
): Call {
  return ofInstrument((request) => {
    const { query, now } = request;
    const limit = limitOf(query, 'limit', 100, most);
    if (limit === undefined) return badLimit();
    const bar = query.get('bar') ?? '1m';
    if (bar !== '1m') return longBars(request, bar, limit);
    const { below, above } = boundsOf(query);
    const oldest = Math.max(archive ? LISTED_AT : now - RECENT_MS, above + 1);
    const list: (readonly string[])[] = [];
    const newest = Math.floor(Math.min(now, below - 1) / MINUTE) * MINUTE;
    for (let openTime = newest; openTime >= oldest && list.length < limit; openTime -= MINUTE) {
      const made = row(request, openTime);
      if (made !== undefined) list.push(made);
    }
    return ok(list, archive || most === MARK_ROWS ? 2 : 1);
  });
}

/** Bars of other lengths, without paging. */
function longBars({ market, instrument, now }: Asked, bar: string, limit: number): SimulatedAnswer {
  const step = barLength(bar);
  if (step === undefined || step < MINUTE) return failure('51000', 'Parameter bar error', 400);
  const d = market.decimals(instrument.symbol);
  const rows = barsOf(market, instrument.symbol, now, step, limit).map((b) => {
    const quote = b.quoteVolume.toFixed(d.price + d.quantity);
    const prices = [b.open, b.high, b.low, b.close].map((price) => price.toFixed(d.price));
    const base = b.volume.toFixed(d.quantity);
    const volumes = [contractsText(instrument, b.volume), instrument.market === 'spot' ? quote : base, quote];
    return [String(b.openTime), ...prices, ...volumes, b.closed ? '1' : '0'];
  });
  return ok(rows.toReversed());
}

function candleAt({ market, instrument, now }: Asked, openTime: Ms): readonly string[] | undefined {
  return candleRow(market, instrument, openTime, Math.min(now, openTime + MINUTE));
}

function markAt({ market, instrument, now }: Asked, openTime: Ms): readonly string[] {
  return ohlc(market, instrument, openTime, now, (at) => market.mark(instrument.symbol, at).mark);
}

function ohlc(
  market: SimulatedMarket,
  instrument: Instrument,
  openTime: Ms,
  now: Ms,
  value: (at: Ms) => number,
): readonly string[] {
  const values = ticks(openTime, Math.min(now + 1, openTime + MINUTE), 10_000).map(value);
  const cells = [values[0] ?? 0, Math.max(...values), Math.min(...values), values.at(-1) ?? 0];
  const d = market.decimals(instrument.symbol).mark;
  return [String(openTime), ...cells.map((cell) => cell.toFixed(d)), now >= openTime + MINUTE ? '1' : '0'];
}

const ticker = ofInstrument(({ market, instrument, now }) => ok([tickerRow(market, instrument, now)], 2));

const tickers: Call = ({ market, kind, query, now }) => {
  const listed = ofType(market, kind, query.get('instType'));
  if (listed === undefined) return failure('51000', 'Parameter instType error', 400);
  return ok(
    listed.map((i) => tickerRow(market, i, now)),
    2,
  );
};

/** One instrument, or all of the kind asked for, swaps by default. */
function each(row: (market: SimulatedMarket, instrument: Instrument, now: Ms) => unknown): Call {
  return ({ market, query, now }) => {
    const instId = query.get('instId');
    const type = query.get('instType') ?? 'SWAP';
    const chosen = market.instruments.filter(
      (i) => kindOf(i.venue_symbol) === type && (instId === null || instId === 'ANY' || i.venue_symbol === instId),
    );
    return chosen.length === 0
      ? failure('51001', "Instrument ID, Instrument ID code, or Spread ID doesn't exist.")
      : ok(
          chosen.map((i) => row(market, i, now)),
          2,
        );
  };
}

const statistics =
  (name: string): Call =>
  ({ market, query, now }) => {
    const rows = statistic(market, name, query, now);
    return rows === undefined ? failure('51000', 'Parameter ccy or period error', 400) : ok(rows, 4);
  };

const fund: Call = ({ market, query, now }) => {
  const row = insuranceFund(market, query.get('instFamily') ?? '', now);
  return row === undefined ? failure('51000', 'Parameter instFamily error', 400) : ok([row], 4);
};

/** Options are asked for by family; everything else as it comes. */
const withOptions =
  (other: Call): Call =>
  (request) => {
    const { market, kind, query, now } = request;
    if (query.get('instType') !== 'OPTION' || kind === 'options') return other(request);
    const family = query.get('instFamily') ?? query.get('uly') ?? '';
    const rows = optionIds(market, family, now).map((o) => optionRow(market, family, o.instId, o.index, now));
    return rows.length === 0 ? failure('51000', 'Parameter instFamily error', 400) : ok(rows, 2);
  };

const indexTickers: Call = ({ market, query, now }) => {
  const rows = market.instruments
    .filter((i) => [null, indexOf(i.venue_symbol)].includes(query.get('instId')))
    .map((i) => indexRow(market, i, now));
  return rows.length === 0 ? failure('51001', "Instrument ID doesn't exist.") : ok(rows, 2);
};

const fundingHistory = ofInstrument(({ market, instrument, query, now }) => {
  if (kindOf(instrument.venue_symbol) !== 'SWAP') return failure('51001', "Instrument ID doesn't exist.");
  const limit = limitOf(query, 'limit', 400, 400);
  if (limit === undefined) return badLimit();
  const { below, above } = boundsOf(query);
  const from = Math.max(above + 1, now - TRADES_REACH);
  const rows = market.funding(instrument.symbol, from, Math.min(below, now + 1)).map((f) => ({
    formulaType: 'withRate',
    fundingRate: plain(f.rate),
    fundingTime: String(f.at),
    instId: instrument.venue_symbol,
    instType: 'SWAP',
    method: 'current_period',
    realizedRate: plain(f.rate),
  }));
  return ok(rows.reverse().slice(0, limit), 4);
});

/** `[ts, contracts, base units, USD]`, newest first. */
const interestHistory = ofInstrument(({ market, instrument, query, now }) => {
  if (!['5m', null].includes(query.get('period'))) return failure('51000', 'Parameter period error', 400);
  const limit = limitOf(query, 'limit', 100, 100);
  if (limit === undefined) return badLimit();
  const [begin, end] = [numberIn(query, 'begin') ?? -Infinity, numberIn(query, 'end') ?? Infinity];
  const { symbol } = instrument;
  const times = ticks(
    Math.max(begin + 1, now - 1440 * INTEREST_STEP),
    Math.min(end, now + 1),
    INTEREST_STEP,
  ).toReversed();
  return ok(
    times.slice(0, limit).map((at) => {
      const interest = market.openInterest(symbol, at);
      const usd = (interest * market.mark(symbol, at).mark).toFixed(4);
      return [String(at), contractsText(instrument, interest), plain(interest), usd];
    }),
    4,
  );
});

function futuresInstrument(market: SimulatedMarket, i: Instrument): unknown {
  const contract = i.contract_size ?? 1;
  const lot = plain((i.lot_size ?? 0) / contract, 8);
  return {
    ...commonInstrument(market, i),
    baseCcy: '',
    ctMult: '1',
    ctType: 'linear',
    ctVal: plain(contract),
    ctValCcy: i.base,
    expTime: i.expiry_time === undefined ? '' : String(i.expiry_time / 1000),
    instFamily: `${i.base}-${i.quote}`,
    instType: kindOf(i.venue_symbol),
    lotSz: lot,
    minSz: lot,
    quoteCcy: '',
    settleCcy: i.quote,
    uly: `${i.base}-${i.quote}`,
    ...(i.kind === 'option' ? optionFields(i) : {}),
  };
}

function spotInstrument(market: SimulatedMarket, i: Instrument): unknown {
  const lot = (i.lot_size ?? 0).toFixed(digitsOf(i.lot_size ?? 1));
  return {
    ...commonInstrument(market, i),
    baseCcy: i.base,
    ctMult: '',
    ctType: '',
    ctVal: '',
    ctValCcy: '',
    instFamily: '',
    instType: 'SPOT',
    lotSz: lot,
    minSz: lot,
    quoteCcy: i.quote,
    settleCcy: '',
    uly: '',
  };
}

function commonInstrument(market: SimulatedMarket, i: Instrument): Readonly<Record<string, unknown>> {
  return {
    alias: '',
    expTime: '',
    instId: i.venue_symbol,
    lever: '50',
    listTime: String(LISTED_AT),
    maxLmtSz: '100000000',
    maxMktSz: '35000',
    state: 'live',
    tickSz: (i.tick_size ?? 0).toFixed(market.decimals(i.symbol).price),
  };
}

const CALLS: Readonly<Record<string, Call>> = {
  'public/time': time,
  'public/instruments': instruments,
  'public/underlying': ({ market, kind }) =>
    kind === 'options' ? ok([familiesOf(market)], 2) : failure('51000', 'Parameter instType error', 400),
  'market/books': books,
  'market/trades': recentTrades,
  'market/history-trades': historyTrades,
  'market/candles': bars(false, CANDLE_ROWS, candleAt),
  'market/history-candles': bars(true, CANDLE_ROWS, candleAt),
  'market/mark-price-candles': bars(false, MARK_ROWS, markAt),
  'market/history-mark-price-candles': bars(true, MARK_ROWS, markAt),
  'market/ticker': ticker,
  'market/tickers': withOptions(tickers),
  'market/platform-24-volume': ({ market, now }) => ok([platformVolume(market, now)], 20),
  'public/insurance-fund': fund,
  'rubik/stat/contracts/open-interest-volume': statistics('interest'),
  'rubik/stat/contracts/long-short-account-ratio': statistics('ratio'),
  'rubik/stat/taker-volume': statistics('taker'),
  'market/index-tickers': indexTickers,
  'public/mark-price': each(markRow),
  'public/open-interest': withOptions(each(interestRow)),
  'public/funding-rate': each(fundingRow),
  'public/funding-rate-history': fundingHistory,
  'rubik/stat/contracts/open-interest-history': interestHistory,
};
