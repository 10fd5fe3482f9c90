import { z } from 'zod';
import type { Database } from '../../infra/duckdb/database.ts';
import type { Clock, Ms } from '../../kit/clock.ts';
import { canonicalHash } from '../../kit/hash.ts';
import { jsonText, jsonValue, microseconds, msOf } from '../ops-values.ts';
import type { ForeignTool } from './contract.ts';

/** A tool as a person accepted it. Times are UTC ms. */
export interface PinnedTool {
  readonly server: string;
  readonly tool: string;
  readonly hash: string;
  readonly definition: ForeignTool;
  readonly accepted_by: string;
  readonly accepted_at: Ms;
}

/** Accepted tools in the ops database (`mcp_tool_pins`): agents are shown these words and no later ones. */
export interface Pins {
  all(): Promise<readonly PinnedTool[]>;
  /** Puts the tools in the place of what was accepted under their names. */
  accept(server: string, tools: readonly ForeignTool[], by: string): Promise<void>;
  /** Takes tools back; gives how many there were. */
  forget(server: string, tools: readonly string[]): Promise<number>;
}

const TABLE = `CREATE TABLE IF NOT EXISTS mcp_tool_pins (
  server VARCHAR NOT NULL, tool VARCHAR NOT NULL, hash VARCHAR NOT NULL, definition VARCHAR NOT NULL,
  accepted_by VARCHAR NOT NULL, accepted_at TIMESTAMP NOT NULL)`;

const definitionSchema = z.object({
  name: z.string(),
  title: z.string().optional(),
  description: z.string(),
  inputSchema: z.record(z.string(), z.unknown()),
  outputSchema: z.record(z.string(), z.unknown()).optional(),
  annotations: z.record(z.string(), z.unknown()).optional(),
});

const rowSchema = z.object({
  server: z.string(),
  tool: z.string(),
  hash: z.string(),
  definition: jsonValue.pipe(definitionSchema),
  accepted_by: z.string(),
  accepted_at: msOf,
});

/** Everything about a tool that a model or the validation of its input reads. */
export function definitionHash(tool: ForeignTool): string {
  const { name, title, description, inputSchema, outputSchema, annotations } = tool;
  return canonicalHash([name, title ?? null, description, inputSchema, outputSchema ?? null, annotations ?? null]);
}

/** Creates the table when missing. */
export async function openPins(options: { readonly db: Database; readonly clock: Clock }): Promise<Pins> {
  const { db, clock } = options;
  if (!db.readOnly) await db.run(TABLE);
  const forget: Pins['forget'] = async (server, tools) => {
    let gone = 0;
    for (const tool of tools) {
      const { rows } = await db.run('DELETE FROM mcp_tool_pins WHERE server = ? AND tool = ? RETURNING tool', [
        server,
        tool,
      ]);
      gone += rows.length;
    }
    return gone;
  };
  return {
    forget,
    async all() {
      const rows = await db.all('SELECT * FROM mcp_tool_pins ORDER BY server, tool');
      return rows.map((row) => rowSchema.parse(row));
    },
    async accept(server, tools, by) {
      for (const definition of tools) {
        await forget(server, [definition.name]);
        await db.run('INSERT INTO mcp_tool_pins VALUES (?, ?, ?, ?, ?, make_timestamp(?::BIGINT))', [
          server,
          definition.name,
          definitionHash(definition),
          jsonText(definition),
          by,
          microseconds(clock.now()),
        ]);
      }
    },
  };
}
