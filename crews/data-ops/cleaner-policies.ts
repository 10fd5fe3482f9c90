import type { PlaybookContext } from '../../src/crew/index.ts';
import { callsOf, fields, items, numberAt, outputOf, resultOf, textAt, type Fields } from './read.ts';
import { actions, inStages, type Call } from './stages.ts';

/** Sets aside what the rules condemn, and closes the gaps that are recorded as open. */
export const handleMissingData = inStages(
  [
    () => [
      {
        tool: 'get_quality_issues',
        args: { status: 'pending', limit: 200 },
        reason: 'see which gaps and rows are open',
      },
    ],
    (context) => cleanCalls(context),
    (context) => fillCalls(context),
  ],
  (context) => {
    const filled = fields(resultOf(context, 'fill_data_gaps'));
    const cleaned = callsOf(context, 'clean_data_anomalies')
      .filter((o) => o.ok && !o.proposed)
      .map((o) => fields(o.result));
    return {
      gaps_open_before: openGaps(context).length,
      gaps: filled['gaps'] ?? null,
      filled: filled['filled'] ?? null,
      interpolated: filled['interpolated'] ?? null,
      open: filled['open'] ?? null,
      quarantined: cleaned.reduce((sum, c) => sum + (numberAt(c, 'rows_quarantined') ?? 0), 0),
      refetched: cleaned.reduce((sum, c) => sum + (numberAt(c, 'rows_refetched') ?? 0), 0),
      remaining: items(filled, 'results')
        .filter((r) => r['status'] !== 'filled')
        .slice(0, 20),
      actions: actions(context, ['get_quality_issues']),
    };
  },
);

/** Writes the bars of all timeframes. */
export const aggregateToTimeframes = inStages(
  [
    () => [
      {
        tool: 'aggregate_to_timeframes',
        args: { lookback_minutes: 60 },
        reason: 'new 1-minute candles closed: the bars above them are not current',
      },
    ],
  ],
  (context) => ({ ...fields(resultOf(context, 'aggregate_to_timeframes')), actions: actions(context, []) }),
);

/** Writes the normalised copies of the last minutes. */
export const normalizeExchangeData = inStages(
  [
    () => [
      { tool: 'normalize_data', args: { lookback_minutes: 5 }, reason: 'rows came since the last copies were written' },
    ],
  ],
  (context) => ({ ...fields(resultOf(context, 'normalize_data')), actions: actions(context, []) }),
);

function openGaps(context: PlaybookContext): readonly Fields[] {
  return items(resultOf(context, 'get_quality_issues'), 'issues').filter((i) => i['action'] === 'backfill');
}

/** One call a stream with condemned rows that the validator did not handle, so that a proposal names what it would set aside. */
function cleanCalls(context: PlaybookContext): readonly Call[] {
  const handled = items(outputOf(context, 'detect_and_handle_anomaly'), 'anomalies').map((a) => a['issue_id']);
  const condemned = items(outputOf(context, 'validate_incoming_data'), 'findings').filter(
    (f) => (f['action'] === 'quarantine' || f['action'] === 'reject') && !handled.includes(f['issue_id']),
  );
  const streams = new Map<string, Fields>();
  for (const f of condemned) {
    const { exchange, market, symbol, stream } = f;
    streams.set([exchange, market, symbol, stream].join('/'), { exchange, market, symbol, stream });
  }
  return [...streams.values()].slice(0, 12).map((series) => ({
    tool: 'clean_data_anomalies',
    args: { ...series, lookback_minutes: 15 },
    reason: `rows of ${textAt(series, 'symbol')} ${textAt(series, 'stream')} on ${textAt(series, 'exchange')} ${textAt(series, 'market')} break a rule`,
  }));
}

function fillCalls(context: PlaybookContext): readonly Call[] {
  const gaps = openGaps(context).length;
  if (gaps === 0) return [];
  return [{ tool: 'fill_data_gaps', args: { limit: 50 }, reason: `${gaps} recorded gap(s) are open` }];
}
