import type { Ms } from '../../../kit/clock.ts';
import type { SimulatedFrame, SimulatedMarket, SimulatedTrade, VenueSimulator } from '../simulator-contract.ts';
import { levelMessages, levelSnapshot } from '../shared/simulated-levels.ts';
import { executionId, futuresAnswer, refuseFutures, tickerRow } from './simulate-futures-rest.ts';
import { channelOf, dollarListings, doubled, every, PLAIN, SECOND, symbolsOf, venueName } from './simulate-shared.ts';
import { oldCoin } from './wire.ts';

/*
 * Kraken futures' half of the conversation: https://docs.kraken.com/api/docs/futures-api/websocket/book (trade, ticker,
 * heartbeat), in the shapes of its examples and of recorded frames. Liquidations are trades of their own type.
 */

const FEEDS = ['trade', 'book', 'ticker'];
/** Trades of before that a subscription brings; the venue has 100. */
const SNAPSHOT_TRADES = 5;

const listings = dollarListings(
  {
    BTC: ['1', '0.0001'],
    ETH: ['0.1', '0.001'],
    SOL: ['0.01', '0.01'],
    XRP: ['0.0001', '1'],
    AR: ['0.001', '0.1'],
    BRETT: ['0.00001', '1'],
    POPCAT: ['0.0001', '1'],
    WIF: ['0.0001', '1'],
    PNUT: ['0.00001', '1'],
  },
  (base) => `PF_${oldCoin(base)}USD`,
  true,
);

export const futuresSimulator: VenueSimulator = Object.freeze<VenueSimulator>({
  ...PLAIN,
  exchange: 'kraken',
  market: 'futures',
  listings,
  activity: 0.5,
  sequenceStride: 1,
  markDecimals: 8,
  forcedTrades: true,
  acceptsPath: (path) => path.split('?', 1)[0] === '/ws/v1',
  onFrame: converse,
  onSubscribe: (market, channels, at) => channels.flatMap((channel) => beginning(market, channel, at)),
  windowOf: (channel) => (channel.startsWith('ticker:') ? channelOf(channel).symbol : undefined),
  steady: (channel) => !channel.startsWith('trade:'),
  frames(market, channels, from, to) {
    const frames: SimulatedFrame[] = [];
    for (const channel of channels) frames.push(...framesOf(market, channel, from, to));
    return frames.sort((a, b) => a.at - b.at);
  },
  rest: futuresAnswer,
  limit: {
    weight: 500,
    windowMs: 10 * SECOND,
    headers: () => ({}),
    refuse: refuseFutures,
  },
  tradeId: executionId,
  spoil,
});

function converse(market: SimulatedMarket, text: string): ReturnType<VenueSimulator['onFrame']> {
  const nothing = { subscribe: [], unsubscribe: [] };
  let request: { event?: unknown; feed?: unknown; product_ids?: unknown };
  try {
    request = JSON.parse(text) as typeof request;
  } catch {
    return { ...nothing, reply: ['{"event":"error","message":"Json Error"}'] };
  }
  const { event, feed, product_ids } = request;
  if (event !== 'subscribe' && event !== 'unsubscribe') {
    return { ...nothing, reply: ['{"event":"error","message":"Bad request"}'] };
  }
  if (feed === 'heartbeat') return { ...nothing, reply: [`{"event":"${event}d","feed":"heartbeat"}`] };
  if (typeof feed !== 'string' || !FEEDS.includes(feed)) {
    return { ...nothing, reply: ['{"event":"error","message":"Invalid feed"}'] };
  }
  const known = symbolsOf(market);
  const asked = Array.isArray(product_ids) ? product_ids.map(String) : [];
  const good = asked.filter((id) => known.has(id));
  const reply = asked.map((id) =>
    known.has(id)
      ? JSON.stringify({ event: `${event}d`, feed, product_ids: [id] })
      : '{"event":"alert","message":"Invalid product id"}',
  );
  const channels = good.map((id) => `${feed}:${known.get(id) ?? id}`);
  return event === 'subscribe'
    ? { ...nothing, reply, subscribe: channels }
    : { ...nothing, reply, unsubscribe: channels };
}

/** What a new subscriber gets at once. */
function beginning(market: SimulatedMarket, channel: string, at: Ms): readonly SimulatedFrame[] {
  const { name, symbol } = channelOf(channel);
  const id = venueName(market, symbol);
  if (name === 'book') {
    const book = levelSnapshot(market, symbol, at);
    const d = market.decimals(symbol);
    const side = (levels: readonly (readonly [number, number])[]): string =>
      levels.map(([p, q]) => `{"price":${p.toFixed(d.price)},"qty":${q.toFixed(d.quantity)}}`).join(',');
    const text = `{"feed":"book_snapshot","product_id":"${id}","timestamp":${book.at},"seq":${book.seq},"tickSize":null,"bids":[${side(book.bids)}],"asks":[${side(book.asks)}]}`;
    return [{ at, channel, text }];
  }
  if (name === 'ticker') return [{ at, channel, text: tickerText(market, symbol, Math.floor(at)) }];
  const next = market.tradeIdAt(symbol, at);
  const trades = market.tradesFrom(symbol, next - SNAPSHOT_TRADES, SNAPSHOT_TRADES, at);
  const rows = tradeTexts(market, symbol, trades, at).toReversed();
  return [{ at, channel, text: `{"feed":"trade_snapshot","product_id":"${id}","trades":[${rows.join(',')}]}` }];
}

function framesOf(market: SimulatedMarket, channel: string, from: Ms, to: Ms): readonly SimulatedFrame[] {
  const { name, symbol } = channelOf(channel);
  switch (name) {
    case 'trade': {
      const trades = market.trades(symbol, from, to);
      const texts = tradeTexts(market, symbol, trades, to);
      return trades.map(({ at }, i) => ({ at, channel, text: texts[i] ?? '' }));
    }
    case 'book': {
      const d = market.decimals(symbol);
      const id = venueName(market, symbol);
      return levelMessages(market, symbol, from, to).map(({ at, seq, side, price, quantity }) => ({
        at,
        channel,
        text: `{"feed":"book","product_id":"${id}","side":"${side}","seq":${seq},"price":${price.toFixed(d.price)},"qty":${quantity.toFixed(d.quantity)},"timestamp":${at}}`,
      }));
    }
    default:
      return every(SECOND, from, to).map((at) => ({ at, channel, text: tickerText(market, symbol, at) }));
  }
}

/** JSON of trades, in order; those by which positions were liquidated say so. */
function tradeTexts(
  market: SimulatedMarket,
  symbol: string,
  trades: readonly SimulatedTrade[],
  to: Ms,
): readonly string[] {
  const first = trades[0];
  if (first === undefined) return [];
  const forced = new Set(market.liquidations(symbol, first.at, to).map((l) => l.tradeId));
  const d = market.decimals(symbol);
  const id = venueName(market, symbol);
  return trades.map((t) => {
    const type = forced.has(t.id) ? 'liquidation' : 'fill';
    return `{"feed":"trade","product_id":"${id}","uid":"${executionId(market, symbol, t.id)}","side":"${t.side}","type":"${type}","seq":${t.id},"time":${t.at},"qty":${t.quantity.toFixed(d.quantity)},"price":${t.price.toFixed(d.price)}}`;
  });
}

function tickerText(market: SimulatedMarket, symbol: string, at: Ms): string {
  const row = tickerRow(market, symbol, at);
  const m = market.mark(symbol, Math.floor(at / SECOND) * SECOND);
  const rate = Number(m.fundingRate.toFixed(8));
  const number = (value: number): string => (String(value).includes('e') ? value.toFixed(12) : String(value));
  const funding = `"funding_rate":${number(rate * m.index)},"funding_rate_prediction":${number(rate * m.index)},"relative_funding_rate":${number(rate)},"relative_funding_rate_prediction":${number(rate)},"next_funding_rate_time":${m.nextFundingTime}`;
  const prices = `"bid":${row.bid},"ask":${row.ask},"bid_size":${row.bidSize},"ask_size":${row.askSize}`;
  const day = `"volume":${row.volume},"volumeQuote":${row.volumeQuote},"last":${row.last},"change":${row.change},"open":${row.open},"high":${row.high},"low":${row.low}`;
  return `{"time":${at},"product_id":"${venueName(market, symbol)}",${funding},"feed":"ticker",${prices},${day},"dtm":0,"leverage":"50x","index":${row.index},"premium":0.0,"suspended":false,"tag":"perpetual","pair":"${row.pair}","openInterest":${row.openInterest},"markPrice":${row.mark},"maturityTime":0,"post_only":false}`;
}

/** Doubles the prices of a ticker, or makes a level of the book a bid far above the asks. */
function spoil(frame: SimulatedFrame, how: 'spike' | 'crossed'): SimulatedFrame | undefined {
  const { name } = channelOf(frame.channel);
  if (how === 'spike') {
    if (name !== 'ticker') return undefined;
    return { ...frame, text: doubled(frame.text, ['bid', 'ask', 'last', 'markPrice']) };
  }
  const price = /"feed":"book",.*"price":([\d.]+),"qty":([\d.]+)/.exec(frame.text)?.[1];
  if (name !== 'book' || price === undefined) return undefined;
  const raised = `"price":${(Number(price) * 1.05).toFixed(price.length - price.indexOf('.') - 1)},"qty":1,`;
  return {
    ...frame,
    text: frame.text.replace('"side":"sell"', '"side":"buy"').replace(/"price":[\d.]+,"qty":[\d.]+,/, raised),
  };
}
