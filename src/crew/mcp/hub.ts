import type { Database } from '../../infra/duckdb/database.ts';
import type { Clock } from '../../kit/clock.ts';
import { InvalidInput, NotFound } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import { didYouMean } from '../../kit/nearest.ts';
import type { BoundTool } from '../../kit/tool.ts';
import { assignmentOf, type McpServerConfig } from '../config/mcp-schema.ts';
import { createMcpConnection, type McpConnection } from './connection.ts';
import type { ForeignAnswers, ForeignServerRow, ForeignTool, ForeignToolRow } from './contract.ts';
import { foreignName, foreignTool, readingTools, refuseChanged, unusable } from './foreign-tool.ts';
import type { McpAuth } from './transport.ts';
import { definitionHash, openPins, type PinnedTool } from './pins.ts';

export interface McpServersOptions {
  readonly servers: Readonly<Record<string, McpServerConfig>>;
  readonly db: Database;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly log: Logger;
  /** Ours, told to servers. */
  readonly version: string;
  readonly answers?: ForeignAnswers | undefined;
  /** OAuth of servers that need it, by server. */
  readonly auth?: Readonly<Record<string, McpAuth>> | undefined;
}

/** The MCP servers of others: their accepted tools, and what people decide about them. */
export interface McpServers extends AsyncDisposable {
  /** Tools that were accepted and are assigned. A new array whenever they change; needs no connection. */
  tools(): readonly BoundTool[];
  list(): readonly ForeignServerRow[];
  /** Asks the server; without it, all. Throws NotFound, and Unavailable when it cannot be reached. */
  inspect(server?: string): Promise<readonly ForeignToolRow[]>;
  /**
   * Accepts tools as the server describes them now; without names every assigned one. Throws NotFound for a tool that the
   * server does not have, InvalidInput for one that nothing is assigned to or that cannot be used.
   */
  accept(server: string, names: readonly string[], by: string): Promise<readonly ForeignToolRow[]>;
  /** Takes back what was accepted. Throws NotFound. */
  forget(server: string, names: readonly string[]): Promise<readonly ForeignToolRow[]>;
}

/** Opens what was accepted. No server is started before something of it is needed; all are stopped by disposing. */
export async function openMcpServers(options: McpServersOptions): Promise<McpServers> {
  const pins = await openPins(options);
  const servers = new Map(
    Object.entries(options.servers).map(([id, config]) => [id, new ForeignServer(id, config, options)] as const),
  );
  const load = async (): Promise<readonly BoundTool[]> => {
    const all = await pins.all();
    return [...servers.values()].flatMap((server) => server.bind(all.filter((pin) => pin.server === server.id)));
  };
  let tools = await load();
  const find = (id: string): ForeignServer => {
    const server = servers.get(id);
    if (server !== undefined) return server;
    const known = [...servers.keys()];
    throw new NotFound(
      `there is no MCP server '${id}'${didYouMean(id, known)}; ${known.length === 0 ? 'system.yaml has no mcp_servers' : `servers: ${known.join(', ')}`}`,
    );
  };
  return {
    tools: () => tools,
    list: () => [...servers.values()].map((server) => server.row()),
    async inspect(id) {
      const asked = id === undefined ? [...servers.values()] : [find(id)];
      return (await Promise.all(asked.map((server) => server.inspect()))).flat();
    },
    async accept(id, names, by) {
      const server = find(id);
      await pins.accept(id, await server.choose(names), by);
      tools = await load();
      return server.inspect();
    },
    async forget(id, names) {
      const server = find(id);
      await pins.forget(id, names);
      tools = await load();
      return server.rows([]);
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...servers.values()].map((server) => server.connection[Symbol.asyncDispose]()));
    },
  };
}

/** One server: its connection, what it offers now, and what of it was accepted. */
class ForeignServer {
  readonly id: string;
  readonly connection: McpConnection;
  readonly #config: McpServerConfig;
  #pins: ReadonlyMap<string, PinnedTool> = new Map();
  /** Hashes of what the server offers, as read over one connection; undefined: read it anew. */
  #offered: { readonly generation: number; readonly hashes: ReadonlyMap<string, string> } | undefined;

  constructor(id: string, config: McpServerConfig, options: McpServersOptions) {
    const { env, clock, log, version, answers = {}, auth } = options;
    this.id = id;
    this.#config = config;
    this.connection = createMcpConnection({
      id,
      server: config,
      env,
      clock,
      log,
      version,
      answers,
      auth: auth?.[id],
      onToolsChanged: () => {
        this.#offered = undefined;
      },
    });
  }

  row(): ForeignServerRow {
    const { connection } = this;
    const { command, args, url } = this.#config;
    return {
      id: this.id,
      transport: command === undefined ? 'http' : 'stdio',
      target: url ?? [command, ...args].join(' '),
      state: connection.state,
      protocol: connection.protocol,
      accepted: this.#pins.size,
      last_error: connection.lastError,
    };
  }

  /** Accepted tools that are still assigned and usable, and those for reading. A server's own tool never hides ours. */
  bind(pins: readonly PinnedTool[]): readonly BoundTool[] {
    this.#pins = new Map(pins.map((pin) => [pin.tool, pin]));
    const options = { server: this.id, connection: this.connection, timeoutMs: this.#config.timeout_seconds * 1000 };
    const reading = readingTools(options, { resources: this.#config.resources, prompts: this.#config.prompts });
    const taken = new Set(reading.map((tool) => tool.name));
    const own = pins.flatMap(({ tool, definition, hash }) => {
      const assignment = assignmentOf(this.#config.tools, tool);
      if (assignment === undefined || assignment.level === 'NONE') return [];
      if (unusable(this.id, definition) !== null || taken.has(foreignName(this.id, tool))) return [];
      return [foreignTool({ ...options, assignment }, definition, () => this.#verify(tool, hash))];
    });
    return [...reading, ...own];
  }

  async inspect(): Promise<readonly ForeignToolRow[]> {
    return this.rows(await this.#offer());
  }

  rows(offered: readonly ForeignTool[]): readonly ForeignToolRow[] {
    const names = new Set(offered.map((tool) => tool.name));
    const gone = [...this.#pins.values()].filter((pin) => !names.has(pin.tool));
    return [...offered.map((tool) => this.#toolRow(tool)), ...gone.map((pin) => this.#toolRow(pin.definition, 'gone'))];
  }

  /** The tools that a person names, or every assigned one, as they are now. */
  async choose(names: readonly string[]): Promise<readonly ForeignTool[]> {
    const offered = await this.#offer();
    if (names.length === 0) {
      const usable = offered.filter((tool) => !['unassigned', 'unusable'].includes(this.#toolRow(tool).state));
      if (usable.length > 0) return usable;
      throw new InvalidInput(
        `no tool of ${this.id} has a category and level: assign them in system.yaml under mcp_servers.${this.id}.tools`,
      );
    }
    return names.map((name) => {
      const tool = offered.find((t) => t.name === name);
      if (tool === undefined) {
        const known = offered.map((t) => t.name);
        throw new NotFound(`server ${this.id} has no tool '${name}'${didYouMean(name, known)}`);
      }
      const { state, note } = this.#toolRow(tool);
      if (state === 'unusable') throw new InvalidInput(`${foreignName(this.id, name)} cannot be used: ${note}`);
      if (state === 'unassigned')
        throw new InvalidInput(
          `${foreignName(this.id, name)} has no category and level: assign them in system.yaml under mcp_servers.${this.id}.tools`,
        );
      return tool;
    });
  }

  async #offer(): Promise<readonly ForeignTool[]> {
    const tools = await this.connection.tools();
    // Of two tools with one name the first counts: which one a call would reach, nobody knows.
    const hashes = new Map(tools.map((tool) => [tool.name, definitionHash(tool)]).toReversed() as [string, string][]);
    const twice = tools.filter((tool, i) => tools.findIndex((t) => t.name === tool.name) !== i);
    for (const tool of twice) hashes.set(tool.name, `twice ${tool.name}`);
    this.#offered = { generation: this.connection.generation, hashes };
    return tools.filter((tool, i) => tools.findIndex((t) => t.name === tool.name) === i);
  }

  async #verify(tool: string, hash: string): Promise<void> {
    await this.connection.connect();
    if (this.#offered?.generation !== this.connection.generation) await this.#offer();
    const now = this.#offered?.hashes.get(tool);
    if (now === undefined) refuseChanged(this.id, tool, 'the server no longer offers it');
    if (now !== hash) refuseChanged(this.id, tool, 'its description or schema changed');
  }

  #toolRow(tool: ForeignTool, known?: 'gone'): ForeignToolRow {
    const assignment = assignmentOf(this.#config.tools, tool.name);
    const assigned = assignment === undefined || assignment.level === 'NONE' ? undefined : assignment;
    const pin = this.#pins.get(tool.name);
    const hash = definitionHash(tool);
    const problem = unusable(this.id, tool);
    const state = known ?? stateOf(problem, assigned !== undefined, pin?.hash, hash);
    return {
      id: foreignName(this.id, tool.name),
      server: this.id,
      tool: tool.name,
      state,
      category: assigned?.category ?? null,
      level: assigned?.level ?? null,
      description: tool.description,
      hash,
      accepted_hash: pin?.hash ?? null,
      accepted_by: pin?.accepted_by ?? null,
      accepted_at: pin === undefined ? null : new Date(pin.accepted_at).toISOString(),
      note: problem ?? (state === 'changed' && pin !== undefined ? changedParts(pin.definition, tool) : null),
    };
  }
}

function stateOf(
  problem: string | null,
  assigned: boolean,
  accepted: string | undefined,
  now: string,
): ForeignToolRow['state'] {
  if (problem !== null) return 'unusable';
  if (!assigned) return 'unassigned';
  if (accepted === undefined) return 'new';
  return accepted === now ? 'accepted' : 'changed';
}

function changedParts(before: ForeignTool, now: ForeignTool): string {
  const parts = (['title', 'description', 'inputSchema', 'outputSchema', 'annotations'] as const).filter(
    (part) => JSON.stringify(before[part]) !== JSON.stringify(now[part]),
  );
  return `changed: ${parts.join(', ')}`;
}
