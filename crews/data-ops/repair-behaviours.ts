import { defineBehaviour, type Behaviour, type BehaviourContext } from '../../src/crew/index.ts';
import { iso, outcomeOf } from './acting.ts';
import { fields, numberAt, textAt, texts } from './read.ts';

const HISTORY = ['trades', 'candles', 'funding_rates', 'open_interest', 'mark_prices'];
const INTERPOLATED = ['prices', 'mark_prices', 'funding_rates', 'open_interest'];

/** Filling gaps, quarantining what is severely wrong, and telling of venues that differ. */
export const repairBehaviours: readonly Behaviour[] = [
  defineBehaviour({
    name: 'auto_backfill_on_gap',
    description: 'A gap longer than 5 minutes in a stream that has history: fetches it.',
    trigger: {
      threshold: {
        event: 'data.gap_detected',
        value: (event) =>
          HISTORY.includes(textAt(event.data, 'stream')) ? numberAt(event.data, 'duration_seconds') : null,
        above: 300,
      },
    },
    agent: 'collector',
    cooldownSeconds: 600,
    priority: 2,
    key: (event) => seriesKey(event.data),
    run: (context) => stretchCall(context, 'request_backfill', 'start_time', 'end_time'),
  }),
  defineBehaviour({
    name: 'auto_interpolate_small_gaps',
    description: 'A gap of 1 to 5 minutes in prices, funding or open interest: fills the cleaned copy by rule.',
    trigger: {
      event: 'data.gap_detected',
      when: (event) => {
        const seconds = numberAt(event.data, 'duration_seconds') ?? 0;
        return INTERPOLATED.includes(textAt(event.data, 'stream')) && seconds >= 60 && seconds <= 300;
      },
    },
    agent: 'cleaner',
    cooldownSeconds: 60,
    priority: 3,
    key: (event) => seriesKey(event.data),
    run: (context) => stretchCall(context, 'interpolate_missing_data', 'gap_start', 'gap_end'),
  }),
  defineBehaviour({
    name: 'auto_quarantine_severe_anomaly',
    description: 'An anomaly beyond 4 standard deviations that a rule condemns: quarantines its rows.',
    trigger: {
      threshold: {
        event: 'analysis.anomaly_detected',
        value: (event) => {
          const details = fields(event.data)['details'];
          const z = numberAt(details, 'z_score');
          return z === null || texts(details, 'row_keys').length === 0 ? null : Math.abs(z);
        },
        above: 4,
      },
    },
    agent: 'validator',
    cooldownSeconds: 60,
    priority: 1,
    key: (event) => seriesKey(event.data),
    run: quarantine,
  }),
  defineBehaviour({
    name: 'alert_cross_exchange_inconsistency',
    description: 'Prices of a symbol that differ by more than 5 % between venues: tells people.',
    trigger: {
      threshold: {
        event: 'data.quality_alert',
        value: (event) =>
          textAt(event.data, 'alert_type') === 'cross_exchange_spread'
            ? numberAt(fields(event.data)['details'], 'deviation_percent')
            : null,
        above: 5,
      },
    },
    agent: 'validator',
    cooldownSeconds: 300,
    priority: 2,
    key: (event) => textAt(event.data, 'symbol'),
    run: async (context) => {
      const symbol = textAt(context.event?.data, 'symbol');
      if (symbol === '') return outcomeOf(await context.invoke('verify_cross_exchange', {}, 'fired by hand: compare'));
      const args = {
        level: 'medium',
        trigger: `cross_exchange:${symbol}`,
        description: textAt(context.event?.data, 'message') || `venues differ on ${symbol}`,
        value: `${(context.value ?? 0).toFixed(2)} %`,
        threshold: '5 %',
        symbols: [symbol],
        recommended_actions: ['compare the venues by hand', 'do not trade on the outlier'],
      };
      return outcomeOf(await context.invoke('escalate_issue', args, `venues differ widely on ${symbol}`));
    },
  }),
  defineBehaviour({
    name: 'fill_missing_data',
    description: 'When the validator tells of missing stretches: the cleaner fetches or fills the recorded gaps.',
    trigger: { event: 'crew.message', when: (event) => textAt(event.data, 'pattern') === 'missing_data_found' },
    agent: 'cleaner',
    cooldownSeconds: 60,
    priority: 3,
    run: async (context) =>
      outcomeOf(await context.invoke('fill_data_gaps', { limit: 50 }, 'the validator found missing stretches')),
  }),
  defineBehaviour({
    name: 'clean_anomalies',
    description:
      'When the validator tells of rows that break a rule: the cleaner sets them aside and fetches them again.',
    trigger: { event: 'crew.message', when: (event) => textAt(event.data, 'pattern') === 'anomaly_detected' },
    agent: 'cleaner',
    cooldownSeconds: 60,
    priority: 2,
    run: async (context) =>
      outcomeOf(
        await context.invoke(
          'clean_data_anomalies',
          { lookback_minutes: 15 },
          'the validator found rows that break a rule',
        ),
      ),
  }),
];

async function stretchCall(
  context: BehaviourContext,
  tool: string,
  fromField: string,
  toField: string,
): Promise<Readonly<Record<string, unknown>>> {
  const data = context.event?.data;
  const start = numberAt(data, 'gap_start');
  const end = numberAt(data, 'gap_end');
  const series = seriesOf(data);
  if (start === null || end === null || series === null) return { done: false, because: 'the event names no stretch' };
  const reason = `a gap of ${Math.round((end - start) / 1000)} s in ${seriesKey(data)}`;
  const args = { ...series, [fromField]: iso(start), [toField]: iso(Math.max(end, start + 1)) };
  return outcomeOf(await context.invoke(tool, tool === 'request_backfill' ? { ...args, reason } : args, reason));
}

async function quarantine(context: BehaviourContext): Promise<Readonly<Record<string, unknown>>> {
  const data = context.event?.data;
  const details = fields(data)['details'];
  const from = numberAt(details, 'from_us');
  const to = numberAt(details, 'to_us');
  const series = seriesOf(data);
  if (from === null || to === null || series === null) return { done: false, because: 'the event names no rows' };
  const reason = `${textAt(data, 'message')} (z = ${(context.value ?? 0).toFixed(1)})`.slice(0, 480);
  const range = { start_time: iso(from / 1000), end_time: iso(Math.ceil(to / 1000) + 1) };
  const args = { ...series, ...range, record_ids: texts(details, 'row_keys'), reason };
  const done = outcomeOf(await context.invoke('quarantine_data', args, reason));
  if (HISTORY.includes(textAt(data, 'stream'))) {
    const again = 'fetch the quarantined stretch again';
    outcomeOf(await context.invoke('request_backfill', { ...series, ...range, reason: again }, again));
  }
  return done;
}

function seriesOf(data: unknown): Readonly<Record<string, string>> | null {
  const exchange = textAt(data, 'exchange');
  const market = textAt(data, 'market');
  const symbol = textAt(data, 'symbol');
  const stream = textAt(data, 'stream');
  return [exchange, market, symbol, stream].includes('') ? null : { exchange, market, symbol, stream };
}

function seriesKey(data: unknown): string {
  return ['exchange', 'market', 'symbol', 'stream'].map((field) => textAt(data, field)).join('/');
}
