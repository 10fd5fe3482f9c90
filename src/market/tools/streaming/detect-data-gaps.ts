import { z } from 'zod';
import { minCoverage } from '../../exchanges/shared/coverage.ts';
import { viewName } from '../../domain/records.ts';
import { scanAll } from '../../jobs/gap-scan.ts';
import { jointCoverage, jointNotes, jointShape } from '../shared/coverage.ts';
import { anyMarket, anySymbol, exchange, isoTime, lookbackMinutes, stream } from '../shared/fields.ts';
import { isoOfUs, measuredNow } from '../shared/provenance.ts';
import { lookback, matchSeries } from '../shared/series.ts';
import { marketTool } from '../shared/tool.ts';
import { measure } from '../../domain/measure.ts';

const MOST_SERIES = 60;

export default marketTool({
  name: 'detect_data_gaps',
  title: 'Find gaps',
  toolset: 'streaming',
  category: 'historical_query',
  access: 'READ_ONLY',
  effects: 'none',
  description:
    'Looks for missing stretches in the stored rows of a stream: missing minutes of candles, trades that do not sum to the volume of their candle, silence longer than the stream allows; also before the first and after the last row. Reads only; check_data_gaps also records what it finds.',
  input: z.strictObject({
    exchange,
    data_type: stream,
    market: anyMarket,
    symbol: anySymbol,
    lookback_minutes: lookbackMinutes(60),
    min_coverage: minCoverage,
  }),
  output: z.object({
    gaps_found: measure.count,
    series_checked: measure.count,
    gaps: z.array(
      z.object({
        table: z.string(),
        start: isoTime,
        end: isoTime,
        duration_seconds: measure.seconds,
        place: z.string(),
        expected_rows: measure.count,
      }),
    ),
    not_judged: z.array(z.object({ table: z.string(), reason: z.string() })),
    coverage: jointShape,
  }),
  examples: [{ title: 'Candles of Binance in the last hour', input: { exchange: 'binance', data_type: 'candles' } }],
  summary: (output) => `${output.gaps_found} gap(s) in ${output.series_checked} series.`,
  run: async (input, { services, clock }) => {
    const keys = await matchSeries(services, {
      exchange: input.exchange,
      market: input.market,
      symbol: input.symbol,
      stream: input.data_type,
    });
    const { from, to } = lookback(clock.now(), input.lookback_minutes);
    const status = services.collector.status();
    const chosen = keys.slice(0, MOST_SERIES);
    const coverage = await jointCoverage(services, chosen, { from, to }, input.min_coverage);
    const scans = await scanAll(services, chosen, { from, to, status });
    const gaps = scans.flatMap((scan) =>
      scan.gaps.map((gap) => ({
        table: viewName(scan.series),
        start: isoOfUs(gap.from),
        end: isoOfUs(gap.to),
        duration_seconds: gap.duration_seconds,
        place: gap.place,
        expected_rows: gap.expected_rows,
      })),
    );
    const notes = keys.length > MOST_SERIES ? [`${keys.length - MOST_SERIES} further series left out`] : [];
    return {
      data: {
        gaps_found: gaps.length,
        series_checked: scans.length,
        gaps: gaps.slice(0, 200),
        not_judged: scans.flatMap((s) => (s.reason === null ? [] : [{ table: viewName(s.series), reason: s.reason }])),
        coverage,
      },
      provenance: measuredNow(
        clock,
        'store',
        [...notes, ...jointNotes(coverage)],
        notes.length === 0 && coverage.complete,
      ),
    };
  },
});
