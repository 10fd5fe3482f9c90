import {
  anyName,
  anyNumber,
  anyText,
  asks,
  bids,
  frame,
  object,
  oneOf,
  price,
  rows,
  seq,
  size,
  symbol,
  takerSide,
  textId,
  time,
  type Fields,
  type RecordMaker,
  type Shape,
  type Template,
} from '../shared/fast/template.ts';

/** The frames that come most, as the venue writes them; everything else, and any change of them, is read as JSON. */

const TRADE: RecordMaker = { record: 'trades' };
const flag = oneOf('true', 'false');

const trade = frame`{"T":${time},"s":"${symbol}","S":"${takerSide('Buy', 'Sell')}","v":"${size}","p":"${price}","L":"${anyText}","i":"${textId}","BT":${flag}`;
/** The wire grew fields over time: none, `RPI`, then `seq`. */
const tradeRows = rows(
  { template: frame`${trade}}`, make: TRADE },
  { template: frame`${trade},"RPI":${flag}}`, make: TRADE },
  { template: frame`${trade},"RPI":${flag},"seq":${seq}}`, make: TRADE },
  { template: frame`${trade},"seq":${seq}}`, make: TRADE },
);

/** `orderbook.1` is merged into best prices: `BEST_SHAPES`. */
const depth = oneOf('50', '200', '500', '1000');
const data = frame`{"s":"${symbol}","b":${bids},"a":${asks},"u":${seq},"seq":${anyNumber}}`;

/** Contracts tell type and time, spot time and type. */
function book(topic: Template, kind: 'snapshot' | 'delta'): Shape[] {
  const head = frame`{"topic":"${topic}.${anyText}",`;
  const make: RecordMaker = { record: 'book', kind };
  return [frame`"type":"${[kind]}","ts":${time}`, frame`"ts":${time},"type":"${[kind]}"`].flatMap((when) => {
    const message = frame`${head}${when},"data":${data}`;
    return [
      { template: frame`${message}}`, make },
      { template: frame`${message},"cts":${anyNumber}}`, make },
    ];
  });
}

/** Candles, whose fields the reader of JSON takes. */
const candleRows = rows({
  template: frame`${object({
    start: 'number',
    end: 'number',
    interval: 'text',
    open: 'quoted',
    close: 'quoted',
    high: 'quoted',
    low: 'quoted',
    volume: 'quoted',
    turnover: 'quoted',
    confirm: 'flag',
    timestamp: 'number',
  })}`,
  make: { record: 'objects' },
});
const candle = frame`{"topic":"kline.${anyName}.${symbol}",`;
const CANDLES: RecordMaker = { record: 'objects', what: 'kline' };

export const BYBIT_SHAPES: readonly Shape[] = [
  {
    template: frame`{"topic":"publicTrade.${anyText}","type":"snapshot","ts":${anyNumber},"data":${tradeRows}}`,
    make: TRADE,
  },
  { template: frame`${candle}"data":${candleRows},"ts":${time},"type":"snapshot"}`, make: CANDLES },
  { template: frame`${candle}"type":"snapshot","ts":${time},"data":${candleRows}}`, make: CANDLES },
  ...book(frame`orderbook.${depth}`, 'snapshot'),
  ...book(frame`orderbook.${depth}`, 'delta'),
];

/** One level a side, as a change of the best prices. */
export const BEST_SHAPES: readonly Shape[] = [
  ...book(frame`orderbook.1`, 'snapshot'),
  ...book(frame`orderbook.1`, 'delta'),
];

/** A ticker, of which a change tells some fields alone. */
const TICKER: Fields = {
  symbol: 'symbol',
  tickDirection: 'other',
  lastPrice: 'quoted',
  highPrice24h: 'quoted',
  lowPrice24h: 'quoted',
  price24hPcnt: 'quoted',
  prevPrice24h: 'quoted',
  volume24h: 'quoted',
  turnover24h: 'quoted',
  prevPrice1h: 'other',
  markPrice: 'quoted',
  indexPrice: 'quoted',
  openInterest: 'quoted',
  openInterestValue: 'quoted',
  nextFundingTime: 'quoted',
  fundingRate: 'quoted',
  bid1Price: 'quoted',
  bid1Size: 'quoted',
  ask1Price: 'quoted',
  ask1Size: 'quoted',
  fundingIntervalHour: 'quoted',
  fundingCap: 'other',
  usdIndexPrice: 'other',
};

/** Contracts and spot have their own order, and both have changed it. */
export const TICKER_SHAPES: readonly Shape[] = ['snapshot', 'delta'].flatMap((what) => {
  const ticker = object(TICKER);
  const [type, at] = [frame`"type":"${[what]}"`, frame`"ts":${time}`];
  const counter = frame`"cs":${anyNumber}`;
  return [
    frame`${type},"data":${ticker},${counter},${at}`,
    frame`${type},"data":${ticker},${at}`,
    frame`${type},${at},${counter},"data":${ticker}`,
    frame`${type},${counter},${at},"data":${ticker}`,
    frame`${at},${type},${counter},"data":${ticker}`,
  ].map((rest) => ({
    template: frame`{"topic":"tickers.${symbol}",${rest}}`,
    make: { record: 'objects', what } as const,
  }));
});
