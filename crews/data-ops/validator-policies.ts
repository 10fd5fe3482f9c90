import type { PlaybookContext } from '../../src/crew/index.ts';
import { callsOf, fields, items, numberAt, outputOf, resultOf, textAt, texts, type Fields } from './read.ts';
import { actions, inStages, type Call } from './stages.ts';

/** Runs the rules over the last minutes, looks for gaps, and hands on what the others should see to. */
export const validateIncomingData = inStages(
  [
    () => [
      {
        tool: 'validate_recent_data',
        args: { lookback_minutes: 5 },
        reason: 'check the rows that came since the last round',
      },
      { tool: 'check_data_gaps', args: { lookback_minutes: 15 }, reason: 'find what did not come' },
    ],
    (context) => handOver(context),
  ],
  (context) => {
    const checked = fields(resultOf(context, 'validate_recent_data'));
    const gaps = fields(resultOf(context, 'check_data_gaps'));
    const findings = items(checked, 'findings');
    const byType: Record<string, number> = {};
    for (const finding of [...findings, ...items(gaps, 'gaps')]) {
      const type = textAt(finding, 'issue_type');
      byType[type] = (byType[type] ?? 0) + 1;
    }
    return {
      rows: checked['rows'] ?? null,
      valid: checked['valid'] ?? null,
      failed: checked['failed'] ?? null,
      flagged: checked['flagged'] ?? null,
      score: checked['score'] ?? null,
      findings: findings.slice(0, 40),
      gaps: items(gaps, 'gaps').slice(0, 40),
      longest_gap_seconds: gaps['longest_gap_seconds'] ?? null,
      by_type: byType,
      actions: actions(context, ['validate_recent_data', 'check_data_gaps']),
    };
  },
);

/** Compares the venues and says what a difference looks like. */
export const crossExchangeConsistencyCheck = inStages(
  [() => [{ tool: 'verify_cross_exchange', args: {}, reason: 'see whether the venues agree on price and funding' }]],
  (context) => {
    const result = fields(resultOf(context, 'verify_cross_exchange'));
    const spreads = items(result, 'spreads');
    return {
      symbols_checked: result['symbols_checked'] ?? null,
      consistent: result['consistent'] ?? null,
      alerts: result['alerts'] ?? null,
      spreads: spreads.filter((s) => s['verdict'] !== 'consistent'),
      funding: items(result, 'funding').filter((f) => f['verdict'] === 'divergent'),
      assessment: spreads.filter((s) => s['verdict'] === 'wide' || s['verdict'] === 'alert').map(assess),
      actions: actions(context, ['verify_cross_exchange']),
    };
  },
);

const LOOKING = ['get_quality_issues', 'cross_exchange_consistency', 'validate_against_historical'];
const MOST = 8;

/** Confronts each condemned price with history and with the other venues, and quarantines what nobody confirms. */
export const detectAndHandleAnomaly = inStages(
  [
    () => [{ tool: 'get_quality_issues', args: { status: 'pending', limit: 50 }, reason: 'see what is open' }],
    (context) => suspects(context).flatMap((s) => evidenceCalls(s)),
    (context) => suspects(context).flatMap((s) => verdictCalls(context, s)),
  ],
  (context) => ({
    anomalies: suspects(context).map((s) => {
      const judged = judge(context, s);
      return {
        issue_id: s['issue_id'] ?? null,
        ...seriesOf(s),
        value: s['value'] ?? null,
        expected: s['expected'] ?? null,
        cross_check: judged.because,
        classification: judged.classification,
        action: judged.classification === 'genuine_event' ? 'settled as genuine' : 'quarantine',
      };
    }),
    pending_by_type: fields(resultOf(context, 'get_quality_issues'))['by_type'] ?? {},
    actions: actions(context, LOOKING),
  }),
);

/** The hourly report, with the escalation ladder judged. */
export const generateDataQualityReport = inStages(
  [
    () => [
      { tool: 'get_data_quality_report', args: { period: 'hour' }, reason: 'write the report of the hour' },
      { tool: 'check_escalations', args: {}, reason: 'see whether a threshold of the ladder is crossed' },
      { tool: 'get_health_score', args: {}, reason: 'give the score with the report' },
    ],
  ],
  (context) => ({
    ...fields(resultOf(context, 'get_data_quality_report')),
    health_score: numberAt(resultOf(context, 'get_health_score'), 'score'),
    escalations: items(resultOf(context, 'check_escalations'), 'raised'),
    actions: actions(context, ['get_data_quality_report', 'check_escalations', 'get_health_score']),
  }),
);

function handOver(context: PlaybookContext): readonly Call[] {
  const failed = numberAt(resultOf(context, 'validate_recent_data'), 'failed') ?? 0;
  const gaps = numberAt(resultOf(context, 'check_data_gaps'), 'gaps_found') ?? 0;
  const calls: Call[] = [];
  if (failed > 0) {
    calls.push({
      tool: 'send_crew_message',
      args: { pattern: 'anomaly_detected', details: { rows: failed } },
      reason: `${failed} row(s) break a rule: the cleaner should set them aside`,
    });
  }
  if (gaps > 0) {
    calls.push({
      tool: 'send_crew_message',
      args: { pattern: 'missing_data_found', details: { gaps } },
      reason: `${gaps} stretch(es) are missing: the collector should fetch them`,
    });
  }
  return calls;
}

function assess(spread: Fields): Fields {
  const outliers = texts(spread, 'outliers');
  const venues = numberAt(spread, 'venues') ?? 0;
  const likely =
    outliers.length === 1 && venues > 2
      ? `error or delay of ${outliers[0] ?? ''}`
      : venues === 2
        ? 'two venues differ: an opportunity, or one of them is late'
        : 'the venues split: a fast market, or an opportunity';
  return { symbol: spread['symbol'], spread_percent: spread['spread_percent'], likely };
}

/** Rows that a rule condemned and that a price can be confronted with evidence for. */
function suspects(context: PlaybookContext): readonly Fields[] {
  return items(outputOf(context, 'validate_incoming_data'), 'findings')
    .filter((f) => f['action'] === 'quarantine' && textAt(f, 'from') !== '')
    .slice(0, MOST);
}

function seriesOf(finding: Fields): Fields {
  const { exchange, market, symbol, stream } = finding;
  return { exchange, market, symbol, stream };
}

function evidenceCalls(finding: Fields): readonly Call[] {
  if (textAt(finding, 'issue_type') !== 'price_deviation') return [];
  const { exchange, market, symbol } = finding;
  const value = numberAt(finding, 'value');
  return [
    { tool: 'cross_exchange_consistency', args: { symbol }, reason: 'see what the other venues say' },
    ...(value === null || value <= 0
      ? []
      : [
          {
            tool: 'validate_against_historical',
            args: { exchange, market, symbol, price: value },
            reason: 'see whether the price fits the last hour',
          },
        ]),
  ];
}

interface Judgement {
  readonly classification: 'error' | 'exchange_issue' | 'genuine_event';
  readonly because: string;
}

/** Genuine when another venue stands within one percent of the value; else an error of the feed. */
function judge(context: PlaybookContext, finding: Fields): Judgement {
  if (textAt(finding, 'issue_type') !== 'price_deviation') {
    return { classification: 'exchange_issue', because: `the rule ${textAt(finding, 'rule')} condemns it` };
  }
  const value = numberAt(finding, 'value') ?? 0;
  const own = `${textAt(finding, 'exchange')}_${textAt(finding, 'market')}`;
  const seen = callsOf(context, 'cross_exchange_consistency').findLast(
    (o) => o.ok && textAt(o.args, 'symbol') === textAt(finding, 'symbol'),
  );
  const others = items(seen?.result, 'values').filter((v) => textAt(v, 'venue') !== own);
  const confirming = others.filter((v) => Math.abs((numberAt(v, 'value') ?? 0) - value) <= Math.abs(value) * 0.01);
  if (confirming.length > 0) {
    const names = confirming.map((v) => textAt(v, 'venue')).join(', ');
    return { classification: 'genuine_event', because: `${names} confirm the price` };
  }
  const because =
    others.length === 0 ? 'no other venue to ask' : `none of ${others.length} other venue market(s) confirms it`;
  return { classification: 'error', because };
}

const REFETCHED = ['trades', 'candles', 'funding_rates', 'mark_prices', 'open_interest'];

function verdictCalls(context: PlaybookContext, finding: Fields): readonly Call[] {
  const { classification, because } = judge(context, finding);
  const message = textAt(finding, 'message');
  if (classification === 'genuine_event') {
    const issue = numberAt(finding, 'issue_id');
    if (issue === null) return [];
    const reason = `the data is genuine: ${because}`;
    return [{ tool: 'resolve_quality_issue', args: { issue_id: issue, status: 'ignored', notes: reason }, reason }];
  }
  const reason = `${message}; ${because}`.slice(0, 480);
  const range = { start_time: textAt(finding, 'from'), end_time: oneMore(textAt(finding, 'to')) };
  const again = {
    tool: 'request_backfill',
    args: { ...seriesOf(finding), ...range, reason: 'fetch the quarantined stretch again' },
    reason: 'the venue may say it right this time',
  };
  const keys = texts(finding, 'row_keys');
  return [
    {
      tool: 'quarantine_data',
      args: { ...seriesOf(finding), ...range, ...(keys.length === 0 ? {} : { record_ids: keys }), reason },
      reason,
    },
    ...(REFETCHED.includes(textAt(finding, 'stream')) ? [again] : []),
  ];
}

/** The next millisecond: bounds are half-open and shown without their microseconds. */
function oneMore(time: string): string {
  const at = Date.parse(time);
  return Number.isNaN(at) ? time : new Date(at + 1).toISOString();
}
