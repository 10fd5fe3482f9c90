import type { PlaybookContext } from '../../src/crew/index.ts';
import { callsOf, fields, items, numberAt, outputOf, resultOf, textAt, type Fields } from './read.ts';
import { actions, inStages, type Call } from './stages.ts';

const LOOKING = [
  'get_all_exchange_status',
  'get_streaming_health',
  'get_stream_status',
  'get_rate_limit_status',
  'check_exchange_status',
  'get_backfill_status',
];

/** Looks at every connection, starts what is stopped, and tells the validator that there is new data. */
export const monitorExchangeConnections = inStages(
  [
    () => [
      { tool: 'get_all_exchange_status', args: {}, reason: 'see which venue markets are connected' },
      { tool: 'get_streaming_health', args: {}, reason: 'see how much arrives and what is rejected' },
      {
        tool: 'get_stream_status',
        args: { only_problems: true },
        reason: 'find streams that are stale, stopped or had gaps',
      },
      { tool: 'get_rate_limit_status', args: {}, reason: 'see whether a venue limits us' },
    ],
    (context) => stoppedStreams(context).map((s) => startCall(s)),
    (context) => newDataMessage(context),
  ],
  (context) => {
    const streams = fields(resultOf(context, 'get_stream_status'));
    const health = fields(resultOf(context, 'get_streaming_health'));
    const venues = items(resultOf(context, 'get_all_exchange_status'), 'venues');
    return {
      venues: venues.map(showVenue),
      streams: streams['counts'] ?? {},
      gaps: streams['gaps'] ?? null,
      records_per_minute: health['records_per_minute'] ?? null,
      frames_rejected: health['frames_rejected'] ?? null,
      rate_limits: items(resultOf(context, 'get_rate_limit_status'), 'hosts'),
      issues: venues.flatMap((v) => venueIssues(v)),
      actions: actions(context, LOOKING),
    };
  },
);

/** Brings back what is down: reconnect, look again, fall back to REST, return to the WebSocket, escalate. */
export const handleExchangeDisconnection = inStages(
  [
    () => [{ tool: 'get_all_exchange_status', args: {}, reason: 'see what is down now, not a moment ago' }],
    (context) => troubled(context).map((v) => reconnectCall(v)),
    (context) =>
      troubled(context).map((v) => ({
        tool: 'check_exchange_status',
        args: place(v),
        reason: 'see whether it came back',
      })),
    (context) => fallBack(context),
    (context) => escalations(context),
    (context) => restoredMessages(context),
  ],
  (context) => ({
    venues: troubled(context).map((v) => {
      const now = after(context, v);
      return {
        ...place(v),
        attempts: callsOf(context, 'trigger_reconnect').filter(
          (o) => textAt(o.args, 'exchange') === textAt(v, 'exchange'),
        ).length,
        success: textAt(now, 'status') === 'healthy',
        fallback_mode: textAt(now, 'connection_type') === 'rest',
        last_data_time: v['last_data_time'] ?? null,
      };
    }),
    actions: actions(context, LOOKING),
    escalated: callsOf(context, 'escalate_issue').some((o) => o.ok),
  }),
);

const HISTORY = ['trades', 'candles', 'funding_rates', 'open_interest', 'mark_prices'];
const MOST_BACKFILLS = 12;

/** Fetches the gaps that the validator found, one call a series, from the venues' history. */
export const requestDataBackfill = inStages(
  [
    () => [{ tool: 'get_backfill_status', args: { limit: 20 }, reason: 'see what is being fetched already' }],
    (context) => backfillCalls(context),
  ],
  (context) => {
    const made = callsOf(context, 'request_backfill');
    const results = made.filter((o) => o.ok && !o.proposed).map((o) => fields(o.result));
    return {
      gaps: gapsFound(context).length,
      requested: made.length,
      fetched: results.reduce((sum, r) => sum + (numberAt(r, 'records_fetched') ?? 0), 0),
      stored: results.reduce((sum, r) => sum + (numberAt(r, 'records_stored') ?? 0), 0),
      remaining: results.flatMap((r) => items(r, 'missing')),
      without_history: gapsFound(context).filter((g) => !HISTORY.includes(textAt(g, 'stream'))).length,
      actions: actions(context, LOOKING),
    };
  },
);

function stoppedStreams(context: PlaybookContext): readonly Fields[] {
  return items(resultOf(context, 'get_stream_status'), 'series')
    .filter((s) => s['state'] === 'stopped')
    .slice(0, 20);
}

function startCall(series: Fields): Call {
  const { exchange, market, symbol, stream } = series;
  return {
    tool: 'start_stream',
    args: { exchange, market, symbol, stream, reason: 'the stream is configured and stopped' },
    reason: `${textAt(series, 'table')} is stopped although it is configured`,
  };
}

function newDataMessage(context: PlaybookContext): readonly Call[] {
  const rate = numberAt(resultOf(context, 'get_streaming_health'), 'records_per_minute');
  if (rate === null || rate <= 0) return [];
  return [
    {
      tool: 'send_crew_message',
      args: { pattern: 'new_data_batch', details: { records_per_minute: Math.round(rate) } },
      reason: 'new rows were stored: the validator should look at them',
    },
  ];
}

function showVenue(venue: Fields): Fields {
  const { exchange, market, status, connection_type, latency_ms, last_data_time, issues } = venue;
  return { exchange, market, status, connection_type, latency_ms, last_data_time, issues };
}

function venueIssues(venue: Fields): readonly Fields[] {
  if (venue['status'] === 'healthy') return [];
  return [{ ...place(venue), status: venue['status'], issues: venue['issues'] ?? [], error: venue['error'] ?? null }];
}

/** Venue markets that are not healthy, as first seen in this task. */
function troubled(context: PlaybookContext): readonly Fields[] {
  const seen = context.observations.find((o) => o.tool === 'get_all_exchange_status' && o.ok)?.result;
  return items(seen, 'venues').filter((v) => v['status'] !== 'healthy');
}

function place(venue: Fields): { readonly exchange: unknown; readonly market: unknown } {
  return { exchange: venue['exchange'], market: venue['market'] };
}

function reconnectCall(venue: Fields): Call {
  const why = `${textAt(venue, 'exchange')} ${textAt(venue, 'market')} is ${textAt(venue, 'status')}`;
  return { tool: 'trigger_reconnect', args: { ...place(venue), reason: why }, reason: why };
}

/** The venue market as it was after the reconnect; as first seen when it was not looked at again. */
function after(context: PlaybookContext, venue: Fields): Fields {
  const looked = callsOf(context, 'check_exchange_status').filter((o) => o.ok);
  const markets = looked.flatMap((o) => items(o.result, 'markets'));
  return markets.findLast((m) => m['exchange'] === venue['exchange'] && m['market'] === venue['market']) ?? venue;
}

function fallBack(context: PlaybookContext): readonly Call[] {
  return troubled(context).flatMap((venue): readonly Call[] => {
    const now = after(context, venue);
    const down = textAt(now, 'status') === 'disconnected';
    const viaRest = textAt(now, 'connection_type') === 'rest';
    const attempts = numberAt(now, 'reconnects') ?? 0;
    const name = `${textAt(now, 'exchange')} ${textAt(now, 'market')}`;
    if (down && !viaRest && attempts >= 3) {
      const reason = `${name} did not come back after ${attempts} attempts`;
      return [{ tool: 'switch_websocket_to_rest', args: { ...place(venue), reason }, reason }];
    }
    if (textAt(now, 'fallback') === 'forced') {
      const reason = `${name} was switched to REST: try its WebSocket again`;
      return [{ tool: 'switch_rest_to_websocket', args: { ...place(venue), reason }, reason }];
    }
    return [];
  });
}

const SILENT_MS = 15 * 60_000;

function escalations(context: PlaybookContext): readonly Call[] {
  return troubled(context).flatMap((venue): readonly Call[] => {
    const now = after(context, venue);
    const age = numberAt(now, 'last_data_age_ms');
    if (textAt(now, 'status') !== 'disconnected' || age === null || age < SILENT_MS) return [];
    const name = `${textAt(now, 'exchange')}_${textAt(now, 'market')}`;
    return [
      {
        tool: 'escalate_issue',
        args: {
          level: 'high',
          trigger: `exchange_down:${name}`,
          description: `${name} gives no data for ${Math.round(age / 60_000)} minutes and does not come back`,
          value: `${Math.round(age / 1000)} s`,
          threshold: `${SILENT_MS / 1000} s`,
          exchanges: [name],
          recommended_actions: ['check the status page of the venue', 'check the network of this machine'],
        },
        reason: `${name} is down for longer than a reconnect mends`,
      },
    ];
  });
}

function restoredMessages(context: PlaybookContext): readonly Call[] {
  return troubled(context)
    .filter(
      (venue) => textAt(venue, 'status') === 'disconnected' && textAt(after(context, venue), 'status') === 'healthy',
    )
    .map((venue) => ({
      tool: 'send_crew_message',
      args: { pattern: 'connection_restored', details: place(venue) },
      reason: 'the connection is back: the validator should check what was missed',
    }));
}

function gapsFound(context: PlaybookContext): readonly Fields[] {
  return items(outputOf(context, 'validate_incoming_data'), 'gaps').filter(
    (g) => textAt(g, 'from') !== '' && textAt(g, 'to') !== '',
  );
}

/** One request a series: from its earliest gap to the end of its latest. */
function backfillCalls(context: PlaybookContext): readonly Call[] {
  const bySeries = new Map<string, { series: Fields; from: string; to: string; gaps: number }>();
  for (const gap of gapsFound(context)) {
    const { exchange, market, symbol, stream } = gap;
    if (!HISTORY.includes(textAt(gap, 'stream'))) continue;
    const name = [exchange, market, symbol, stream].join('/');
    const from = textAt(gap, 'from');
    const to = textAt(gap, 'to');
    const known = bySeries.get(name);
    bySeries.set(name, {
      series: { exchange, market, symbol, stream },
      from: known === undefined || from < known.from ? from : known.from,
      to: known === undefined || to > known.to ? to : known.to,
      gaps: (known?.gaps ?? 0) + 1,
    });
  }
  return [...bySeries.values()].slice(0, MOST_BACKFILLS).map(({ series, from, to, gaps }) => {
    const reason = `${gaps} gap(s) of ${textAt(series, 'symbol')} ${textAt(series, 'stream')} on ${textAt(series, 'exchange')} ${textAt(series, 'market')}`;
    return { tool: 'request_backfill', args: { ...series, start_time: from, end_time: to, reason }, reason };
  });
}
