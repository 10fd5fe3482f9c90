import type { z } from 'zod';
import { defineTool, type Tool, type ToolDefinition } from '../../../kit/tool.ts';
import type { MarketServices } from '../../services.ts';

/** `defineTool` over the market's services, so that a member writes only its own types. */
export function marketTool<I extends z.ZodObject, O extends z.ZodType>(
  definition: ToolDefinition<MarketServices, I, O>,
): Tool<MarketServices, I, O> {
  return defineTool<MarketServices, I, O>(definition);
}
