import { InvalidInput } from '../../kit/errors.ts';
import type { McpToolResult } from './surface.ts';

/** A text argument. Throws InvalidInput when it is missing or empty. */
export function requireText(args: Readonly<Record<string, unknown>>, field: string): string {
  const value = args[field];
  if (typeof value !== 'string' || value === '')
    throw new InvalidInput(`'${field}' must be a text, not ${value === undefined ? 'nothing' : JSON.stringify(value)}`);
  return value;
}

/** An argument that is an object, or left out. Throws InvalidInput. */
export function asObject(field: string, value: unknown): Readonly<Record<string, unknown>> | undefined {
  if (value === undefined) return undefined;
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    throw new InvalidInput(`'${field}' must be an object`);
  return value as Readonly<Record<string, unknown>>;
}

/** A result as data and as the text of it. */
export function structured(value: Readonly<Record<string, unknown>>, text: string): McpToolResult {
  return { content: [{ type: 'text', text }], structuredContent: value };
}
