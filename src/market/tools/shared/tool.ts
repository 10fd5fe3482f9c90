import type { z } from 'zod';
import { Conflict } from '../../../kit/errors.ts';
import { defineTool, type Tool, type ToolDefinition } from '../../../kit/tool.ts';
import type { MarketServices } from '../../services.ts';

/** `defineTool` over the market's services, so that a member writes only its own types. */
export function marketTool<I extends z.ZodObject, O extends z.ZodType>(
  definition: ToolDefinition<MarketServices, I, O>,
): Tool<MarketServices, I, O> {
  return defineTool<MarketServices, I, O>(definition);
}

/**
 * A tool whose answer may be traded on (an opportunity, a direction, an entry). While trading signals are paused it
 * refuses with Conflict, which says since when, why, and how they are resumed.
 */
export function signalTool<I extends z.ZodObject, O extends z.ZodType>(
  definition: ToolDefinition<MarketServices, I, O>,
): Tool<MarketServices, I, O> {
  return marketTool({
    ...definition,
    run: async (input, context) => {
      requireSignals(context.services);
      return definition.run(input, context);
    },
  });
}

/** Throws Conflict while trading signals are paused. */
export function requireSignals(services: Pick<MarketServices, 'settings'>): void {
  const { state, since, reason, changed_by: by } = services.settings.signals;
  if (state === 'active') return;
  const from = since === null ? '' : ` since ${new Date(since).toISOString()}`;
  throw new Conflict(
    `trading signals are paused${from} by ${by ?? 'the desk'} (${reason ?? 'no reason given'}): resolve what is critical, then resume_trading_signals`,
  );
}
