import { z } from 'zod';
import { marketKey } from '../../domain/records.ts';
import { NotFound, Stale, Unavailable } from '../../../kit/errors.ts';
import { marketFees } from '../../jobs/fees.ts';
import { measuredNow } from '../shared/provenance.ts';
import { marketTool } from '../shared/tool.ts';
import { chosenMarkets, maxAgeMs } from '../shared/venues/across.ts';
import { measure } from '../../domain/measure.ts';

export default marketTool({
  name: 'crypto_scanner_health',
  title: 'Arbitrage data health',
  toolset: 'arbitrage',
  category: 'exchange_data',
  access: 'READ_ONLY',
  effects: 'none',
  description:
    'Whether the data that the arbitrage tools need is there: of each collected market the symbols whose order book is valid and fresh now, age of the oldest, whether its fees are known and from where, and whether trading signals are paused. Markets without a fresh book are asked over REST by those tools.',
  input: z.strictObject({ max_age_ms: maxAgeMs(5_000) }),
  output: z.object({
    collecting: z.boolean(),
    signals: z.string(),
    markets_ready: measure.count,
    symbols: z.array(z.string()),
    markets: z.array(
      z.object({
        id: z.string(),
        books: measure.count,
        books_fresh: measure.count,
        oldest_age_ms: measure.milliseconds.nullable(),
        taker_fee_percent: measure.percent.nullable(),
        fee_origin: z.string().nullable(),
        fees_checked: z.string().nullable().describe('Day on which the fees were compared with the venue’s page'),
      }),
    ),
    advice: z.array(z.string()),
  }),
  examples: [{ title: 'Now', input: {} }],
  summary: (output) =>
    `${output.markets_ready} of ${output.markets.length} market(s) ready for ${output.symbols.length} symbol(s); signals ${output.signals}.`,
  run: async (input, { services, clock }) => {
    const status = services.collector.status();
    const now = clock.now();
    const ageOf = (exchange: string, market: (typeof status.series)[number]['market'], symbol: string) => {
      try {
        return now - services.collector.book(exchange, market, symbol, 1).event_time / 1000;
      } catch (error) {
        if (error instanceof Stale || error instanceof NotFound || error instanceof Unavailable) return null;
        throw error;
      }
    };
    const markets = chosenMarkets(services, undefined, ['futures', 'spot']).map((market) => {
      const own = status.series.filter(
        (s) => s.exchange === market.exchange && s.market === market.market && s.stream === 'orderbooks',
      );
      const ages = own.map((s) => (s.state === 'live' ? ageOf(s.exchange, s.market, s.symbol) : null));
      const fresh = ages.filter((age) => age !== null && age <= input.max_age_ms);
      const known = ages.filter((age) => age !== null);
      const fees = marketFees(services.config, market);
      return {
        id: marketKey(market.exchange, market.market),
        books: own.length,
        books_fresh: fresh.length,
        oldest_age_ms: known.length === 0 ? null : Math.max(...known),
        taker_fee_percent: fees?.taker_percent ?? null,
        fee_origin: fees?.origin ?? null,
        fees_checked: fees?.checked ?? null,
      };
    });
    const ready = markets.filter((m) => m.books > 0 && m.books === m.books_fresh).length;
    const symbols = status.series.filter((s) => s.stream === 'orderbooks').map((s) => s.symbol);
    return {
      data: {
        collecting: status.running,
        signals: services.settings.signals.state,
        markets_ready: ready,
        symbols: [...new Set(symbols)].sort(),
        markets,
        advice: adviceOf(markets, ready),
      },
      provenance: measuredNow(clock, 'collector'),
    };
  },
});

function adviceOf(
  markets: readonly {
    readonly id: string;
    readonly books: number;
    readonly fee_origin: string | null;
    readonly fees_checked: string | null;
  }[],
  ready: number,
): string[] {
  const unverified = markets.filter((m) => m.fee_origin === 'schedule' && m.fees_checked === null).map((m) => m.id);
  const none = markets.filter((m) => m.books === 0).map((m) => m.id);
  return [
    ...(ready < 2 ? ['fewer than two markets have fresh books: comparisons ask over REST, which is slower'] : []),
    ...(none.length > 0 ? [`no order books are collected of ${none.join(', ')}: add the orderbooks stream`] : []),
    ...(unverified.length > 0
      ? [`fees of ${unverified.join(', ')} are from memory: give your own as market.fees in system.yaml`]
      : []),
  ];
}
