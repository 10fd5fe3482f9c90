import { z } from 'zod';
import type { BoundTool } from '../../kit/tool.ts';
import type { ToolSchema } from '../model/model.ts';

/** Tool descriptions for models, made once per tool. */
export interface ToolSchemas {
  of(tools: readonly BoundTool[]): readonly ToolSchema[];
}

export function createToolSchemas(): ToolSchemas {
  const made = new WeakMap<BoundTool, ToolSchema>();
  const schemaOf = (tool: BoundTool): ToolSchema => {
    const known = made.get(tool);
    if (known !== undefined) return known;
    const json = tool.inputJson?.schema ?? z.toJSONSchema(tool.input, { io: 'input', unrepresentable: 'any' });
    const { $schema: _, ...parameters } = json;
    const schema: ToolSchema = {
      type: 'function',
      function: { name: tool.name, description: tool.description, parameters },
    };
    made.set(tool, schema);
    return schema;
  };
  return { of: (tools) => tools.map(schemaOf) };
}
