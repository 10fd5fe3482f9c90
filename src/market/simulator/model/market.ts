import type { Ms } from '../../../kit/clock.ts';
import type {
  SimulatedBookChange,
  SimulatedMarket,
  SimulatedTrade,
  VenueSimulator,
} from '../../exchanges/simulator-contract.ts';
import { marketKey } from '../../domain/records.ts';
import { simulators } from '../catalogue.generated.ts';
import { createAggregates, type SeriesAggregates } from './candles.ts';
import { createDerivatives, type Derivatives } from './derivatives.ts';
import { createLadder, LADDER_LEVELS, type Ladder, type LadderSide } from './ladder.ts';
import { createPricePaths, MINUTE_MS, type PricePaths } from './path.ts';
import { contractPaths } from './contract-paths.ts';
import { hash, keyOf } from './random.ts';
import { decimalsOf, seriesOf, type SeriesSpecification, symbolSpecification } from './specification.ts';
import { createTradeTape, type MinuteTape, type TradeTape } from './tape.ts';
import { createTouch, STEP_MS } from './touch.ts';

/** A simulated market that can prepare its 24 h window little by little. */
export interface ModelMarket extends SimulatedMarket {
  /** Adds up to `budget` minutes to the window that the symbol's ticker at `at` needs; true when none is missing. */
  warm(symbol: string, at: Ms, budget: number): boolean;
}

interface Series {
  readonly specification: SeriesSpecification;
  readonly tape: TradeTape;
  readonly ladder: Ladder;
  readonly derivatives: Derivatives;
  readonly aggregates: SeriesAggregates;
  readonly sequenceKey: number;
  readonly decimals: ReturnType<SimulatedMarket['decimals']>;
}

/**
 * The simulator's markets by market key (`binance_futures` …), all or those named in `markets`, over one set of price
 * paths: a market is the same whichever others are made. Contracts that run out are those that would be listed at `at`,
 * UTC ms; what each of them is worth does not depend on when it was listed. A series holds 100 KB for its 24 h window.
 */
export function createSimulatedMarkets(options: {
  readonly seed: number;
  readonly symbols: readonly string[];
  readonly at: Ms;
  readonly markets?: readonly string[] | undefined;
}): ReadonlyMap<string, ModelMarket> {
  const { at } = options;
  const symbols = [...new Set(options.symbols)].map(symbolSpecification);
  const paths = createPricePaths(options.seed, symbols);
  const made = simulators
    .flat()
    .filter((venue) => options.markets?.includes(marketKey(venue.exchange, venue.market)) !== false)
    .map((venue) => {
      return { venue, series: seriesOf(venue, symbols, (symbol) => ({ at, spot: paths.at(symbol, at) })) };
    });
  return new Map(
    made.map(({ venue, series }) => [
      marketKey(venue.exchange, venue.market),
      createMarket(venue, options.seed, series, paths),
    ]),
  );
}

function createMarket(
  { exchange, market, sequenceStride: stride, forcedTrades }: VenueSimulator,
  seed: number,
  specifications: readonly SeriesSpecification[],
  paths: PricePaths,
): ModelMarket {
  const known = new Map(specifications.map((s) => [s.instrument.symbol, s] as const));
  const used = new Map<string, Series>();
  const of = (symbol: string): Series => {
    const held = used.get(symbol);
    if (held !== undefined) return held;
    const specification = known.get(symbol);
    if (specification === undefined) throw new Error(`${marketKey(exchange, market)} does not list ${symbol}`);
    const series = createSeries(seed, specification, paths);
    used.set(symbol, series);
    return series;
  };
  const sequence = (series: Series, step: number): number =>
    stride === 1 ? step : step * stride + (hash(series.sequenceKey, step, 0) % stride);

  const own: ModelMarket = {
    exchange,
    market,
    instruments: specifications.map(({ instrument }) => instrument),
    decimals: (symbol) => of(symbol).decimals,
    trades(symbol, from, to) {
      const { tape } = of(symbol);
      return collectTrades(of(symbol), Math.floor(from / MINUTE_MS), tape.idAt(from), tape.idAt(to));
    },
    tradesFrom(symbol, id, limit, to) {
      const { tape } = of(symbol);
      const from = Math.max(0, id);
      return collectTrades(of(symbol), tape.minuteOf(from), from, Math.min(id + limit, tape.idAt(to)));
    },
    tradeIdAt: (symbol, at) => of(symbol).tape.idAt(at),
    book(symbol, at, depth = LADDER_LEVELS) {
      const series = of(symbol);
      const step = Math.ceil(at / STEP_MS) - 1;
      const state = series.ladder.state(step);
      return {
        bids: levels(series, state.bids, depth),
        asks: levels(series, state.asks, depth),
        seq: sequence(series, step),
      };
    },
    bookChanges(symbol, from, to, { depth = LADDER_LEVELS, everyMs = STEP_MS } = {}) {
      const series = of(symbol);
      const stepsEach = Math.max(1, Math.round(everyMs / STEP_MS));
      const changes: SimulatedBookChange[] = [];
      const first = Math.ceil(from / STEP_MS / stepsEach) * stepsEach;
      for (let step = first; step * STEP_MS < to; step += stepsEach) {
        const { bids, asks } = series.ladder.changes(step - stepsEach, step, depth);
        const prevSeq = sequence(series, step - stepsEach);
        changes.push({
          at: step * STEP_MS,
          firstSeq: prevSeq + 1,
          lastSeq: sequence(series, step),
          prevSeq,
          bids: bids.map(([ticks, lots]) => level(series, ticks, lots)),
          asks: asks.map(([ticks, lots]) => level(series, ticks, lots)),
        });
      }
      return changes;
    },
    ...derivativesOf(of),
    candle: (symbol, openTime, at) => of(symbol).aggregates.candle(openTime, at),
    ticker: (symbol, at) => of(symbol).aggregates.ticker(at),
    warm: (symbol, at, budget) => of(symbol).aggregates.warm(at, budget),
  };
  return forcedTrades === true ? { ...own, liquidations: forcedTradesOf(own) } : own;
}

/** The trades by which positions are closed: the first after each time at which the model liquidates one. */
function forcedTradesOf(market: ModelMarket): SimulatedMarket['liquidations'] {
  return (symbol, from, to) => {
    const before = market.tradeIdAt(symbol, from) - 1;
    const trades = market.tradesFrom(symbol, before, market.tradeIdAt(symbol, to) - before, to);
    return trades.slice(1).flatMap(({ id, at, side, price, quantity }, i) => {
      const since = trades[i]?.at ?? at;
      if (market.liquidations(symbol, since, at).length === 0) return [];
      return [{ at, side: side === 'sell' ? 'long' : 'short', price, quantity, tradeId: id }];
    });
  };
}

function derivativesOf(
  of: (symbol: string) => Series,
): Pick<SimulatedMarket, 'mark' | 'funding' | 'openInterest' | 'liquidations'> {
  return {
    mark(symbol, at) {
      const { derivatives, specification } = of(symbol);
      const { mark, index } = derivatives.mark(at);
      return {
        mark: Number(mark.toFixed(specification.markDecimals)),
        index: Number(index.toFixed(specification.markDecimals)),
        fundingRate: derivatives.predictedRate(at),
        nextFundingTime: derivatives.nextFundingTime(at),
      };
    },
    funding(symbol, from, to) {
      const { derivatives } = of(symbol);
      const settled: { at: Ms; rate: number }[] = [];
      for (let at = derivatives.nextFundingTime(from - 1); at < to; at = derivatives.nextFundingTime(at)) {
        settled.push({ at, rate: derivatives.settledRate(at) });
      }
      return settled;
    },
    openInterest: (symbol, at) => of(symbol).derivatives.openInterest(at),
    liquidations(symbol, from, to) {
      const series = of(symbol);
      return series.derivatives.liquidations(from, to).map((l) => {
        const [price, quantity] = level(series, l.ticks, l.lots);
        return { at: l.at, side: l.side, price, quantity };
      });
    },
  };
}

function createSeries(seed: number, specification: SeriesSpecification, underlying: PricePaths): Series {
  const { worth } = specification;
  const paths = worth === undefined ? underlying : contractPaths(underlying, worth);
  const touch = createTouch(seed, specification, paths);
  const tape = createTradeTape(seed, specification, paths, touch);
  return {
    specification,
    tape,
    ladder: createLadder(seed, specification, touch),
    derivatives: createDerivatives(seed, specification, underlying, touch),
    aggregates: createAggregates(specification, tape),
    decimals: {
      price: decimalsOf(specification.tickSize),
      quantity: decimalsOf(specification.lotSize),
      mark: specification.markDecimals,
    },
    sequenceKey: keyOf(seed, 'sequence', specification.exchange, specification.market, specification.instrument.symbol),
  };
}

function collectTrades(series: Series, fromMinute: number, fromId: number, toId: number): readonly SimulatedTrade[] {
  const trades: SimulatedTrade[] = [];
  if (toId <= fromId) return trades;
  for (let minute = fromMinute; ; minute++) {
    const tape = series.tape.minute(minute);
    const last = Math.min(tape.count, toId - tape.firstId);
    for (let i = Math.max(0, fromId - tape.firstId); i < last; i++) trades.push(tradeOf(series, tape, i));
    if (tape.firstId + tape.count >= toId) return trades;
  }
}

function tradeOf(series: Series, tape: MinuteTape, index: number): SimulatedTrade {
  const [price, quantity] = level(series, tape.ticks[index] ?? 0, tape.lots[index] ?? 0);
  return {
    id: tape.firstId + index,
    at: tape.minute * MINUTE_MS + (tape.offsets[index] ?? 0),
    price,
    quantity,
    side: tape.buys[index] === 1 ? 'buy' : 'sell',
  };
}

function levels(series: Series, side: LadderSide, depth: number): readonly (readonly [number, number])[] {
  const count = Math.min(depth, side.ticks.length);
  return Array.from({ length: count }, (_, i) => level(series, side.ticks[i] ?? 0, side.lots[i] ?? 0));
}

/** Price and quantity of whole ticks and lots: the doubles nearest to the decimals on the wire. */
function level({ specification: s }: Series, ticks: number, lots: number): readonly [number, number] {
  return [(ticks * s.tickUnits) / s.priceScale, (lots * s.lotUnits) / s.quantityScale];
}
