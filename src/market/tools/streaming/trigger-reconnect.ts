import { z } from 'zod';
import { anyMarket, exchange, reasonOr } from '../shared/fields.ts';
import { measuredNow } from '../shared/provenance.ts';
import { collectedVenue } from '../shared/series.ts';
import { marketTool } from '../shared/tool.ts';

export default marketTool({
  name: 'trigger_reconnect',
  aliases: ['reconnect_exchange', 'restart_exchange_connection'],
  title: 'Reconnect a venue',
  toolset: 'streaming',
  category: 'streaming_control',
  access: 'WRITE',
  effects: 'effect',
  description:
    'Drops and reopens the connections of a venue, or of one of its markets. Books are rebuilt and what was missed is reported as a gap. Connections that are up are left alone unless force is true: the collector reconnects by itself when a connection breaks.',
  input: z.strictObject({
    exchange,
    market: anyMarket,
    force: z.boolean().default(false).describe('Reopen connections even when they are up and receiving'),
    reason: reasonOr('reconnect requested'),
  }),
  output: z.object({
    exchange: z.string(),
    reconnected: z.boolean(),
    connections: z.array(z.string()),
    note: z.string(),
  }),
  examples: [{ title: 'Reopen Bybit', input: { exchange: 'bybit', reason: 'no data for a minute' } }],
  rateLimit: { key: 'reconnect', perSecond: 0.5, burst: 5 },
  preview: async (input, { services }) => {
    collectedVenue(services, input.exchange, input.market);
    const connections = own(services, input).map((c) => ({ id: c.id, state: c.state }));
    return { reopen: needed(services, input) ? connections : [], reason: input.reason };
  },
  summary: (output) => output.note,
  run: async (input, { services, clock }) => {
    collectedVenue(services, input.exchange, input.market);
    if (!needed(services, input)) {
      const note = `all connections of ${input.exchange} are up; nothing was reopened (force reopens them anyway)`;
      return {
        data: { exchange: input.exchange, reconnected: false, connections: [], note },
        provenance: measuredNow(clock, 'collector'),
      };
    }
    const connections = await services.collector.reconnect(input.exchange, input.market, input.reason);
    const note = `${connections.length} connection(s) of ${input.exchange} are being reopened`;
    return {
      data: { exchange: input.exchange, reconnected: connections.length > 0, connections: [...connections], note },
      provenance: measuredNow(clock, 'collector'),
    };
  },
});

type Input = { readonly exchange: string; readonly market?: string | undefined; readonly force: boolean };
type Services = Parameters<typeof collectedVenue>[0];

function own(services: Services, input: Input) {
  const { connections } = services.collector.status();
  return connections.filter(
    (c) => c.exchange === input.exchange && (input.market === undefined || c.market === input.market),
  );
}

function needed(services: Services, input: Input): boolean {
  const stale = services.collector
    .status()
    .series.some(
      (s) =>
        s.exchange === input.exchange &&
        (input.market === undefined || s.market === input.market) &&
        s.state === 'stale',
    );
  return input.force || stale || own(services, input).some((c) => c.state !== 'connected');
}
