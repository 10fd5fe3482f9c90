import { z } from 'zod';
import { Unsupported } from '../../../kit/errors.ts';
import type { Coverage } from '../../domain/coverage.ts';
import { viewName, type Market } from '../../domain/records.ts';
import type { EndpointDesk, EndpointResult, EndpointTool, LiveRow } from '../endpoint.ts';
import { coverageShape, minCoverage, requireCovered, showCoverage } from './coverage.ts';
import { count, optionalInstrument } from './endpoint-fields.ts';
import { liquidations, liquidationsShape, type LiquidationReading } from './kinds/positioning.ts';
import { msOf } from './live.ts';

/**
 * Liquidations as the desk collected them, for venues whose REST interface serves none. Throws Unsupported, saying why
 * and what to do, when the stream is not collected.
 */
export function collectedLiquidations(definition: {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly title: string;
  readonly market: Market;
  /** Why the venue is not asked. */
  readonly why: string;
}): EndpointTool {
  const input = z.strictObject({
    symbol: optionalInstrument('all that are collected'),
    limit: count(100, 1000, 'Most liquidations to read'),
    minutes: count(1440, 10_080, 'How far back to look, minutes'),
    min_coverage: minCoverage,
  });
  const output = liquidationsShape.extend({ coverage: z.array(coverageOfTable) });
  return Object.freeze({
    name: definition.name,
    aliases: definition.aliases ?? [],
    title: definition.title,
    description: `Liquidations that this desk collected from the stream. ${definition.why} ${liquidations.about}`,
    input,
    output,
    example: { limit: 50 },
    summary: (data: unknown) => liquidations.summary(output.parse(data)),
    async run(given: Readonly<Record<string, unknown>>, desk: EndpointDesk): Promise<EndpointResult> {
      const { symbol, limit, minutes, min_coverage: least } = input.parse(given);
      const { market, why } = definition;
      const symbols = symbol === undefined ? desk.live.collected(market, 'liquidations') : [symbol];
      const read = await Promise.all(symbols.map((name) => stored(desk, market, name, { minutes, limit })));
      const had = read.flatMap((r) => r ?? []);
      if (had.length === 0) {
        throw new Unsupported(
          `liquidations of ${symbol ?? 'any contract'} on ${desk.exchange} ${market} are not collected. ${why} Start the desk with the stream 'liquidations'.`,
        );
      }
      for (const { coverage } of had) requireCovered(coverage, least);
      const rows = had.flatMap((r) => r.rows).sort((a, b) => a.time - b.time);
      const newest = rows.slice(-limit);
      const value = liquidations.derive(
        { symbol: symbol ?? null, rows: newest },
        { now: desk.now(), instrument: undefined },
      );
      const last = newest.at(-1);
      return {
        data: {
          ...value,
          coverage: had.map(({ coverage }) => ({ table: viewName(coverage.series), ...showCoverage(coverage) })),
        },
        sources: had.map(({ table }) => ({
          via: 'store',
          exchange: desk.exchange,
          market,
          host: null,
          path: table,
          asOf: last?.time ?? desk.now(),
        })),
        complete: rows.length <= limit && had.every((r) => r.rows.length < limit && r.coverage.complete),
        notes: [
          ...(rows.length > limit ? [`only the newest ${limit} are read`] : []),
          ...(had.every((r) => r.coverage.complete) ? [] : ['not all of the stretch is held whole: see coverage']),
        ],
      };
    },
  });
}

const coverageOfTable = coverageShape.extend({ table: z.string() });

interface Stored {
  readonly table: string;
  readonly rows: LiquidationReading['rows'];
  readonly coverage: Coverage;
}

async function stored(
  desk: EndpointDesk,
  market: Market,
  asked: string,
  span: { readonly minutes: number; readonly limit: number },
): Promise<Stored | undefined> {
  const instrument = await desk.instrument(market, asked);
  const found = await desk.live.stored(instrument, 'liquidations', span);
  return found === undefined
    ? undefined
    : {
        table: `${instrument.symbol} ${desk.exchange} ${market} liquidations`,
        rows: found.rows.map((r) => show(instrument.symbol, r)),
        coverage: found.coverage,
      };
}

function show(symbol: string, row: LiveRow): LiquidationReading['rows'][number] {
  return {
    symbol,
    time: msOf(row),
    side: row['side'] === 'long' ? 'long' : 'short',
    price: Number(row['price']),
    size: Number(row['quantity']),
  };
}
