import { z } from 'zod';
import { AppError } from '../../../kit/errors.ts';
import { viewName, type SeriesKey } from '../../domain/records.ts';
import type { MarketServices } from '../../services.ts';
import { collectedVenue, knownSeries, matchSeries, oneSeries, statusOf, type SeriesFilter } from './series.ts';
import { measure } from '../../domain/measure.ts';

/** Starting and stopping of series, one or many. */

type Services = Pick<MarketServices, 'collector' | 'store'>;
export type Turn = 'start' | 'stop';

export const switchedShape = z.object({ table: z.string(), changed: z.boolean(), state: z.string() });

const stateOf = (services: Services, key: SeriesKey) => statusOf(services, key)?.state ?? 'stopped';

/** Whether a series is not yet as it is wanted. */
const turns = (services: Services, key: SeriesKey, turn: Turn): boolean =>
  (stateOf(services, key) === 'stopped') === (turn === 'start');

/** What `switchStream` would do. Throws NotFound. */
export async function plannedSwitch(services: Services, filter: Required<SeriesFilter>, turn: Turn) {
  const key = await oneSeries(services, filter);
  return { series: viewName(key), from: stateOf(services, key), to: turn === 'start' ? 'started' : 'stopped' };
}

/** Starts or stops one series; does nothing when it is so already. Throws NotFound, and what the collector throws. */
export async function switchStream(
  services: Services,
  filter: Required<SeriesFilter>,
  turn: Turn,
): Promise<z.infer<typeof switchedShape>> {
  const key = await oneSeries(services, filter);
  const changed = turns(services, key, turn);
  if (changed) await applied(services, key, turn);
  return { table: viewName(key), changed, state: stateOf(services, key) };
}

const names = (what: string) =>
  z.array(z.string().min(1).max(40)).min(1).max(100).optional().describe(`${what}, up to 100; all when left out`);

export const manyInput = {
  symbols: names('Canonical symbols, as in BTCUSDT'),
  exchanges: names('Venues, as in binance'),
};

export const manyShape = z.object({
  changed: z.array(z.string()),
  already: measure.count,
  failed: z.array(z.object({ table: z.string(), reason: z.string() })),
  streams_live: measure.count,
  streams_total: measure.count,
});

interface Many {
  readonly symbols?: readonly string[] | undefined;
  readonly exchanges?: readonly string[] | undefined;
}

/** The collected series that are asked for, and those of them to turn. Throws NotFound for a name that is not known. */
export async function chosenSeries(
  services: Services,
  asked: Many,
  turn: Turn,
): Promise<{ readonly all: number; readonly turning: readonly SeriesKey[] }> {
  for (const exchange of asked.exchanges ?? []) collectedVenue(services, exchange);
  for (const symbol of asked.symbols ?? []) await matchSeries(services, { symbol });
  const symbols = asked.symbols?.map((s) => s.toUpperCase());
  const chosen = (await knownSeries(services)).filter(
    (key) =>
      statusOf(services, key) !== null &&
      (symbols?.includes(key.symbol) ?? true) &&
      (asked.exchanges?.includes(key.exchange) ?? true),
  );
  return { all: chosen.length, turning: chosen.filter((key) => turns(services, key, turn)) };
}

/** Starts or stops all that are asked for. One that fails is named and the others are turned all the same. */
export async function switchStreams(
  services: Services,
  asked: Many,
  turn: Turn,
  signal: AbortSignal,
): Promise<z.infer<typeof manyShape>> {
  const { all, turning } = await chosenSeries(services, asked, turn);
  const changed: string[] = [];
  const failed: { table: string; reason: string }[] = [];
  for (const key of turning) {
    signal.throwIfAborted();
    try {
      await applied(services, key, turn);
      changed.push(viewName(key));
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      failed.push({ table: viewName(key), reason: error.message });
    }
  }
  const { series } = services.collector.status();
  return {
    changed,
    already: all - turning.length,
    failed,
    streams_live: series.filter((s) => s.state === 'live').length,
    streams_total: series.length,
  };
}

function applied({ collector }: Services, key: SeriesKey, turn: Turn): Promise<void> {
  return turn === 'start' ? collector.startStream(key) : collector.stopStream(key);
}
