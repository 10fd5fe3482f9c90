import type { Clock } from '../../../../kit/clock.ts';
import { AppError, InvalidInput, Unavailable } from '../../../../kit/errors.ts';
import type { AnyTool, Provenance } from '../../../../kit/tool.ts';
import { underAskedNames, underOwnName } from '../../../collect/stand-ins.ts';
import type { EndpointDesk, EndpointResult, EndpointTable, EndpointTool } from '../../../exchanges/endpoint.ts';
import { withQuery } from '../../../exchanges/shared/query.ts';
import { canonicalSymbol } from '../../../exchanges/shared/symbols.ts';
import { parseJson } from '../../../exchanges/shared/values.ts';
import type { MarketServices } from '../../../services.ts';
import { isoOfMs } from '../provenance.ts';
import { marketTool } from '../tool.ts';
import { resolveInstrument } from './instrument.ts';
import { liveDesk, type DeskContext } from './live.ts';

/** The tools of a venue's endpoint table. */
export function exchangeTools(table: EndpointTable): readonly AnyTool<MarketServices>[] {
  return table.tools.map((tool) => exchangeTool(table.exchange, tool));
}

function exchangeTool(exchange: string, tool: EndpointTool): AnyTool<MarketServices> {
  return marketTool({
    name: tool.name,
    aliases: [...tool.aliases],
    title: tool.title,
    toolset: `exchange_${exchange}`,
    category: 'exchange_data',
    access: 'READ_ONLY',
    effects: 'none',
    // Names, labels and notices are the venue's own words.
    outside: 'results',
    description: tool.description,
    input: tool.input,
    output: tool.output,
    examples: [{ title: tool.title, input: tool.example }],
    summary: tool.summary,
    run: async (input, context) => {
      const result = await tool.run(input, endpointDesk(exchange, context));
      return { data: result.data, provenance: provenanceOf(result, context.clock) };
    },
  });
}

/** A venue's REST interface and collected streams, as its rows see them. */
export function endpointDesk(
  exchange: string,
  context: DeskContext & { readonly services: Pick<MarketServices, 'venues'> },
): EndpointDesk {
  const { services, signal, clock } = context;
  const { rest, collector } = services;
  const instruments: EndpointDesk['instruments'] = async (market) => {
    const collected = collector.status().running ? collector.instruments(exchange, market) : [];
    // Under the names that the venue lists, whatever name they are collected under: one contract, one name.
    return collected.length > 0 ? collected.map(underOwnName) : rest.instruments(exchange, market, signal);
  };
  return {
    exchange,
    now: () => clock.now(),
    instruments,
    instrument: async (market, asked) => {
      const list = await instruments(market);
      const definition = services.venues
        .flatMap((v) => v.markets)
        .find((m) => m.exchange === exchange && m.market === market);
      // BTCUSDT on a venue that has BTC in USD alone: what stands for it, and the answer says so.
      const named = definition === undefined ? list : underAskedNames(definition, list, [canonicalSymbol(asked)]);
      return resolveInstrument(named, asked, `${exchange} ${market}`);
    },
    async ask(market, request) {
      const target = {
        address: request.address ?? 'rest',
        path: withQuery(request.path, request.query ?? {}),
        weight: request.weight,
        body: request.body === undefined ? undefined : JSON.stringify(request.body),
      };
      const { body, host, path, at } = await rest.ask(exchange, market, target, signal).catch((error: unknown) => {
        throw remedied(error);
      });
      const value = parseJson(body);
      if (value === undefined) throw new Unavailable(`${host}${path} answered no JSON: ${body.slice(0, 80)}`);
      return { body: value, host, path, at };
    },
    live: liveDesk(services, exchange, clock),
  };
}

/** What to do about a refusal, where the venue's own words do not say it. */
function remedied(error: unknown): unknown {
  if (!(error instanceof AppError) || error.code !== 'invalid_input') return error;
  return new InvalidInput(`${error.message}; the venue refused these values: change the input`, {
    cause: error,
    details: error.details,
  });
}

/** Age of the oldest part, so that an answer is never newer than what it rests on. */
function provenanceOf(result: EndpointResult, clock: Clock): Provenance {
  const { sources, complete, notes } = result;
  const now = clock.now();
  const oldest = sources.length === 0 ? null : Math.min(...sources.map((s) => s.asOf));
  return {
    as_of: isoOfMs(oldest),
    source: [...new Set(sources.map((s) => `${s.via} ${s.exchange} ${s.market} ${s.host ?? ''}${s.path}`))].join('; '),
    complete,
    stale_ms: oldest === null ? null : Math.max(0, Math.round(now - oldest)),
    notes: notes.length === 0 ? undefined : notes,
    sources: sources.map((s) => ({
      via: s.via,
      exchange: s.exchange,
      market: s.market,
      host: s.host,
      path: s.path,
      as_of: new Date(s.asOf).toISOString(),
      stale_ms: Math.max(0, Math.round(now - s.asOf)),
    })),
  };
}
