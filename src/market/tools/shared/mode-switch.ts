import { z } from 'zod';
import type { MarketServices } from '../../services.ts';
import { exchange, market, reasonOr } from './fields.ts';
import { measuredNow } from './provenance.ts';
import { collectedVenue } from './series.ts';
import { marketTool } from './tool.ts';
import { currentVenues } from './venue-status.ts';

interface ModeSwitch {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly mode: 'websocket' | 'rest';
}

/** A tool that makes a venue market be read in one way or the other. */
export function modeSwitch({ mode, ...named }: ModeSwitch) {
  return marketTool({
    ...named,
    toolset: 'streaming',
    category: 'streaming_control',
    access: 'WRITE',
    effects: 'effect',
    input: z.strictObject({ exchange, market, reason: reasonOr('switch requested') }),
    output: z.object({ exchange: z.string(), market: z.string(), before: z.string(), mode: z.string() }),
    examples: [{ title: 'Binance futures', input: { exchange: 'binance', market: 'futures' } }],
    preview: async (input, { services }) => {
      collectedVenue(services, input.exchange, input.market);
      return { market: `${input.exchange}_${input.market}`, from: modeOf(services, input), to: mode };
    },
    summary: (output) => `${output.exchange} ${output.market}: ${output.before} to ${output.mode}.`,
    run: async (input, { services, clock }) => {
      collectedVenue(services, input.exchange, input.market);
      const before = modeOf(services, input);
      await services.collector.setMode(input.exchange, input.market, mode);
      return {
        data: { exchange: input.exchange, market: input.market, before, mode },
        provenance: measuredNow(clock, 'collector'),
      };
    },
  });
}

function modeOf(
  services: Pick<MarketServices, 'collector' | 'config' | 'clock'>,
  input: { readonly exchange: string; readonly market: string },
): string {
  const venue = currentVenues(services).find((v) => v.exchange === input.exchange && v.market === input.market);
  return venue?.connection_type ?? 'none';
}
