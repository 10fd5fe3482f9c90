import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { InvalidInput, NotFound } from '../../../kit/errors.ts';
import { COVERAGE_STATES, summarise, type Coverage, type CoverageInterval } from '../../../market/domain/coverage.ts';
import { MARKETS, STREAMS, viewName, type SeriesKey } from '../../../market/domain/records.ts';
import type { Desk } from '../../desk.ts';
import { contextOf } from '../context.ts';
import { coverageSvg } from '../coverage-svg.ts';
import { printJson, printTable } from '../print.ts';
import { parseSince } from './ops.ts';

const MAX_INTERVALS = 100_000;
const MAX_SERIES = 10_000;

interface Options {
  readonly exchange?: string;
  readonly market?: string;
  readonly symbol?: string;
  readonly stream?: string;
  readonly since: string;
  readonly until?: string;
  readonly svg?: string;
}

type Row = Readonly<Record<string, unknown>>;

/** `crew coverage` */
export async function coverage(command: Command): Promise<void> {
  const context = contextOf(command);
  const { output } = context;
  const options = command.opts<Options>();
  const now = Date.now();
  const from = parseSince(options.since, now) * 1000;
  const to = (options.until === undefined ? now : parseSince(options.until, now)) * 1000;
  if (!(from < to)) throw new InvalidInput(`--since ${options.since} is not before --until ${options.until ?? 'now'}`);
  await using desk = await context.desk('inspect');
  const list = await coverageOf(desk, options, { from, to, now: now * 1000 });
  if (options.svg !== undefined) await writeFile(options.svg, coverageSvg(list, from, to));
  if (output.json) return printJson(output, list.map(shown));
  const percent = (time: number, c: Coverage): string | null =>
    c.knownTo === c.from ? null : ((time / (c.knownTo - c.from)) * 100).toFixed(2);
  printTable(
    output,
    list,
    [
      { title: 'SERIES', value: (c) => viewName(c.series) },
      { title: 'COMPLETE', value: (c) => (c.complete ? 'yes' : 'no') },
      { title: 'LIVE %', value: (c) => percent(c.times.live, c), right: true },
      { title: 'BACKFILLED %', value: (c) => percent(c.times.backfilled, c), right: true },
      { title: 'SAMPLED %', value: (c) => percent(c.times.sampled, c), right: true },
      { title: 'PRUNED %', value: (c) => percent(c.times.pruned, c), right: true },
      { title: 'MISSING %', value: (c) => percent(c.times.missing + c.times.interpolated, c), right: true },
      { title: 'HOLES', value: (c) => c.intervals.filter(({ state }) => state === 'missing').length, right: true },
      { title: 'NEWEST HOLE', value: (c) => c.intervals.findLast(({ state }) => state === 'missing')?.reason ?? null },
    ],
    'no series match',
  );
}

/** Asks the views of the ledger, which a running desk and closed files both have. */
async function coverageOf(
  desk: Desk,
  options: Options,
  times: { readonly from: number; readonly to: number; readonly now: number },
): Promise<Coverage[]> {
  const ask = async (sql: string, maxRows: number): Promise<readonly Row[]> => {
    const result = await desk.query({ sql, maxRows, timeoutMs: 30_000 });
    if (result.truncated)
      throw new InvalidInput(`more than ${maxRows} rows: name a venue, symbol or stream, or a shorter --since`);
    return result.rows;
  };
  const text = (value: string): string => `'${value.replaceAll("'", "''")}'`;
  const wanted = (['exchange', 'market', 'symbol', 'stream'] as const).flatMap((field) => {
    const value = options[field];
    if (value === undefined) return [];
    return [`${field} = ${text(field === 'symbol' ? value.toUpperCase() : value.toLowerCase())}`];
  });
  const where = ['true', ...wanted].join(' AND ');
  const heads = await ask(
    `SELECT exchange, market, symbol, stream, epoch_us(known_to) AS known_to, epoch_us(pending_until) AS pending_until, reason
     FROM coverage_status WHERE ${where} ORDER BY table_name`,
    MAX_SERIES,
  );
  if (heads.length === 0)
    throw new NotFound(`no series match ${wanted.join(', ') || 'anything'}: crew coverage alone lists all`);
  const rows = await ask(
    `SELECT exchange, market, symbol, stream, epoch_us(from_time) AS "from", epoch_us(to_time) AS "to", state, reason
     FROM coverage WHERE ${where} AND epoch_us(to_time) > ${times.from} AND epoch_us(from_time) < ${times.to}
     ORDER BY table_name, from_time`,
    MAX_INTERVALS,
  );
  const intervals = new Map<string, CoverageInterval[]>();
  for (const row of rows) {
    const name = viewName(keyOf(row));
    const own = intervals.get(name);
    if (own === undefined) intervals.set(name, [intervalOf(row)]);
    else own.push(intervalOf(row));
  }
  return heads.map((row) => {
    const key = keyOf(row);
    const knownTo = row['known_to'];
    const head =
      knownTo === null
        ? null
        : { knownTo: Number(knownTo), pendingUntil: Number(row['pending_until']), reason: textOrNull(row['reason']) };
    return summarise(key, { ...times, intervals: intervals.get(viewName(key)) ?? [], head, quarantinedRows: 0 });
  });
}

function keyOf(row: Row): SeriesKey {
  const market = MARKETS.find((known) => known === row['market']);
  const stream = STREAMS.find((known) => known === row['stream']);
  const exchange = textOrNull(row['exchange']);
  const symbol = textOrNull(row['symbol']);
  if (market === undefined || stream === undefined || exchange === null || symbol === null)
    throw new InvalidInput(`the database names a series that this program does not know: ${JSON.stringify(row)}`);
  return { exchange, market, symbol, stream };
}

function intervalOf(row: Row): CoverageInterval {
  const state = COVERAGE_STATES.find((known) => known === row['state']) ?? 'missing';
  return { from: Number(row['from']), to: Number(row['to']), state, reason: textOrNull(row['reason']) };
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

/** As `--json` gives it: times as ISO texts, durations in seconds. */
function shown(c: Coverage): unknown {
  const iso = (time: number): string => new Date(time / 1000).toISOString();
  return {
    table: viewName(c.series),
    ...c.series,
    from: iso(c.from),
    to: iso(c.to),
    known_to: iso(c.knownTo),
    complete: c.complete,
    share: c.share,
    seconds: Object.fromEntries(Object.entries(c.times).map(([state, time]) => [state, time / 1e6])),
    intervals: c.intervals.map((i) => ({ from: iso(i.from), to: iso(i.to), state: i.state, reason: i.reason })),
  };
}
