import { z } from 'zod';
import { ACCESS_LEVELS, TOOL_CATEGORIES, type AccessLevel } from '../../kit/access.ts';
import { categoryName as category } from './category-name.ts';
import { LOG_LEVELS } from '../../kit/logger.ts';
import { cronPattern, duration, timeZone, variable } from './fields.ts';
import { mcpServersSchema } from './mcp-schema.ts';
import { oauthSchema } from './oauth-schema.ts';
import { budgetsSchema, circuitSchema, limitsSchema, pricesSchema } from './spend-schema.ts';

/** The generic part of system.yaml. Defaults live here alone; a secret is given by the name of its variable (`*_env`). */

const level = z.enum(ACCESS_LEVELS);
const seconds = z.number().positive();
const everywhere = (held: AccessLevel): Readonly<Record<string, AccessLevel>> =>
  Object.fromEntries(TOOL_CATEGORIES.map((name) => [name, held]));

const role = z.record(category, level);

const override = z.strictObject({
  agent: z.string().describe('Agent the exception is for'),
  tool: z.string().describe('Tool the exception is about'),
  level: level.describe('NONE takes the tool away; any other level gives it'),
  expires_at: z.iso
    .datetime({ offset: true })
    .nullable()
    .default(null)
    .describe('UTC time at which the exception ends; null: never'),
  granted_by: z.string().describe('Who decided'),
  reason: z.string().describe('Why'),
});

const model = z.strictObject({
  default: z
    .string()
    .default('playbook')
    .describe('Model of every agent that names none: playbook, openai:…, anthropic:… or ollama:…'),
  fallbacks: z
    .array(z.string())
    .default([])
    .describe('Models tried in order when the first one fails; playbook may be the last'),
  timeout_seconds: seconds.default(60).describe('Time allowed for one answer of a model'),
  prices: pricesSchema.default({}).describe('Prices of models, over the shipped ones (crew usage prices)'),
  limits: limitsSchema.default({}).describe('Requests and tokens a minute, by provider, for each of its keys'),
  limits_dir: z
    .string()
    .min(1)
    .nullable()
    .default(null)
    .describe('Folder by which processes share these limits; .orderflow-crew/limits in the home folder unless given'),
  circuit: circuitSchema.prefault({}).describe('When a provider that fails is left alone, and fallbacks are asked'),
  calls_kept_days: z
    .number()
    .int()
    .min(32)
    .default(400)
    .describe('Days that the account of model calls goes back; a month’s budget needs 32'),
});

const approvals = z.strictObject({
  categories: z
    .array(category)
    .default(['streaming_control', 'system_config', 'database_write'])
    .describe('Tools with effects in these need a person’s approval when someone other than the crew’s agents calls'),
  timeout_seconds: seconds.default(300).describe('A request without an answer is refused after this time'),
  rules: z
    .array(
      z.strictObject({
        tools: z
          .array(z.string().min(1))
          .min(1)
          .describe('Tools that need approval whoever calls; * stands for any characters'),
        approvers: z.array(z.string()).default([]).describe('Roles of people; one of them is needed; none: anybody'),
        needed: z.number().int().min(1).max(10).default(1).describe('Different people who must agree'),
        timeout_seconds: seconds.nullable().default(null).describe('Time to answer, when not the general one'),
        escalate_after_seconds: seconds
          .nullable()
          .default(null)
          .describe('Time without an answer after which escalate_to may answer too'),
        escalate_to: z.array(z.string()).default([]).describe('Roles of people who are let in then'),
      }),
    )
    .default([])
    .describe('Who must agree to calls of some tools; the first that covers a tool counts'),
});

const person = z.strictObject({
  roles: z.array(z.string().min(1)).default([]).describe('What rules of approvals call this person by'),
  key_env: variable
    .nullable()
    .default(null)
    .describe(
      'Environment variable of the desk with the key that this person shows; none: the name is taken at its word',
    ),
});

const fieldSource = z.union([
  z.literal('any'),
  z.literal('input'),
  z.strictObject({ input: z.string().min(1).describe('Name of the input that it must equal') }),
  z.strictObject({ values: z.array(z.json()).min(1).describe('Values that it may have') }),
  z.strictObject({
    min: z.number().optional().describe('Least number allowed'),
    max: z.number().optional().describe('Greatest number allowed'),
  }),
]);

const outside = z.strictObject({
  on_violation: z
    .enum(['ask', 'refuse'])
    .default('ask')
    .describe('What becomes of an effect that no rule allows: a person is asked, or it is refused'),
  allow: z
    .array(
      z.strictObject({
        tool: z.string().min(1).describe('Tool with effects, or server__* for all of a server'),
        agents: z.array(z.string()).nullable().default(null).describe('Agents that the rule holds for; null: all'),
        fields: z
          .record(z.string(), fieldSource)
          .default({})
          .describe(
            'Where each argument may come from: any, input (of the same name), {input}, {values} or {min, max}',
          ),
      }),
    )
    .default([])
    .describe('Effects that agents may have after reading words from outside, and where their arguments may come from'),
});

const limits = z.strictObject({
  max_concurrent_agents: z.number().int().min(1).default(5).describe('Agents that work at the same time'),
  tool_calls_per_minute: z.number().int().min(1).default(120).describe('Tool calls that one agent may make a minute'),
});

const channel = z
  .strictObject({ url_env: variable.describe('Environment variable with the address that gets a POST with JSON') })
  .optional();

const notifications = z.strictObject({
  webhook: channel.describe('Gets every escalation'),
  email: channel.describe('Gateway that sends e-mail'),
  slack: channel.describe('Incoming webhook of Slack'),
  pager: channel.describe('Gateway of the pager on call'),
});

const behaviour = z.strictObject({
  enabled: z.boolean().optional().describe('Whether it fires by itself; it can always be run by hand'),
  cron: cronPattern.optional().describe('When it fires, in cron’s five or six fields'),
  every: duration.optional().describe('How often it fires: 30s, 5m, 1h'),
  cooldown: duration.optional().describe('Shortest time between two firings'),
  time_zone: timeZone.optional().describe('Time zone of cron; UTC unless given'),
});

export const systemSchema = z.strictObject({
  version: z.literal(1).default(1).describe('Version of this file’s layout'),
  model: model.prefault({}).describe('Language models of the agents'),
  budgets: budgetsSchema.default({}).describe('What may be spent on models, by a name of yours'),
  categories: z
    .array(category)
    .default([])
    .describe('Categories of your own, beside the ten and those of tools of yours: for tools of mcp_servers'),
  roles: z
    .record(z.string(), role)
    .default({ operator: everywhere('ADMIN'), reader: everywhere('READ_ONLY') })
    .describe('Permission roles: category → level; what is not named is NONE'),
  overrides: z.array(override).default([]).describe('Exceptions to the roles, for one agent and tool each'),
  approvals: approvals.prefault({}).describe('What needs a person’s approval'),
  people: z
    .record(z.string(), person)
    .default({})
    .describe('Who may answer requests, by name; nobody listed: whoever gives a name'),
  outside: outside.prefault({}).describe('What agents may do after reading words from outside'),
  limits: limits.prefault({}).describe('Limits of the agents'),
  runs: z
    .strictObject({
      keep_checkpoints_of: z
        .number()
        .int()
        .min(0)
        .max(100_000)
        .default(20)
        .describe('Ended runs that can be gone back to; older ones keep only their document'),
      keep_steps: z
        .number()
        .int()
        .min(1)
        .max(100_000)
        .default(200)
        .describe('Newest steps of each graph of a run that can be gone back to'),
      drain_seconds: z
        .number()
        .min(0)
        .max(600)
        .default(20)
        .describe('How long steps at work may take to end when the process is told to stop; then they are given up'),
    })
    .prefault({})
    .describe('What is kept of runs'),
  checkpoints: z
    .strictObject({
      postgres: z
        .strictObject({
          url_env: variable.describe('Environment variable with postgresql://user:password@host:port/database'),
          schema: z
            .string()
            .regex(/^[a-z_][a-z0-9_]{0,62}$/, 'must be a lower-case SQL name')
            .default('crew')
            .describe('Schema that its tables are made in'),
        })
        .nullable()
        .default(null)
        .describe('A PostgreSQL server that keeps the checkpoints of runs; none: the operations database does'),
    })
    .prefault({})
    .describe('Where checkpoints of runs are kept'),
  events: z
    .strictObject({
      retention_days: z.number().int().min(1).default(30).describe('Events older than this leave the journal'),
    })
    .prefault({})
    .describe('The event journal'),
  memory: z
    .strictObject({
      embedder: z
        .string()
        .min(1)
        .nullable()
        .default(null)
        .describe(
          'Finds memories and knowledge by meaning too: openai:…, ollama:… or onnx:FOLDER; none: by words alone',
        ),
      similarity_weight: z.number().min(0).max(1).default(0.5).describe('Share of likeness in the score of a memory'),
      recency_weight: z.number().min(0).max(1).default(0.3).describe('Share of recency'),
      importance_weight: z.number().min(0).max(1).default(0.2).describe('Share of importance; the three add up to 1'),
      half_life_days: z.number().positive().default(30).describe('Time after which recency has halved'),
      short_term_hours: z.number().positive().default(24).describe('How long short-term memories stay'),
      max_entries: z
        .number()
        .int()
        .min(1)
        .default(10_000)
        .describe('Memories of one tenant; the weakest end beyond it'),
    })
    .refine((m) => Math.abs(m.similarity_weight + m.recency_weight + m.importance_weight - 1) < 1e-9, {
      message: 'similarity_weight, recency_weight and importance_weight must add up to 1',
    })
    .prefault({})
    .describe('What agents remember'),
  knowledge: z
    .strictObject({
      passages: z.number().int().min(0).max(50).default(5).describe('Passages put before an agent with its task'),
      min_similarity: z.number().min(0).max(1).default(0.1).describe('Least likeness of a passage to the task'),
      web_refresh_minutes: z.number().positive().default(60).describe('Time after which a web page is read again'),
    })
    .prefault({})
    .describe('What agents are told from; found by meaning too when memory.embedder is set'),
  backup: z
    .strictObject({
      enabled: z.boolean().default(true).describe('Whether a running desk makes backups by itself'),
      every_hours: z.number().min(0.1).max(8760).default(24).describe('Time from one backup to the next, hours'),
      keep: z.number().int().min(1).max(1000).default(7).describe('Newest backups that are kept'),
      dir: z
        .string()
        .min(1)
        .default('backups')
        .describe('Folder of the backups, relative to the data folder unless absolute'),
      tape: z.boolean().default(false).describe('Whether backups hold the tape as well'),
    })
    .prefault({})
    .describe('Backups of both databases and the finished days'),
  logging: z
    .strictObject({
      level: z.enum(LOG_LEVELS).default('warn').describe('Least level written'),
      json: z.boolean().default(false).describe('One JSON document a line, not text'),
    })
    .prefault({})
    .describe('Logs, on stderr'),
  notifications: notifications.prefault({}).describe('Where escalations go, besides the log'),
  serve: z
    .strictObject({
      host: z.string().default('127.0.0.1').describe('Address that the controller listens on'),
      port: z.number().int().min(0).max(65_535).default(0).describe('Port of the controller; 0: any free one'),
      token_env: variable
        .default('CREW_TOKEN')
        .describe('Environment variable with the token clients show; without one the controller makes its own'),
      role: z.string().default('operator').describe('Role of people at the command line'),
    })
    .prefault({})
    .describe('The running controller'),
  observability: z
    .strictObject({
      otlp: z
        .strictObject({
          endpoint: z
            .url()
            .nullable()
            .default(null)
            .describe('OpenTelemetry collector, as in http://localhost:4318; none: no traces'),
          service_name: z.string().min(1).default('orderflow-crew').describe('service.name of the traces'),
        })
        .prefault({})
        .describe('Traces of runs, sent to a collector of yours'),
    })
    .prefault({})
    .describe('What others may see of the desk'),
  mcp: z
    .strictObject({
      role: z.string().default('reader').describe('Role of MCP clients'),
      oauth: oauthSchema
        .nullable()
        .default(null)
        .describe('Take tokens of an authorisation server over HTTP; none: one token for all'),
    })
    .prefault({})
    .describe('The MCP server'),
  tool_modules: z
    .array(z.string().min(1))
    .default([])
    .describe(
      'JavaScript modules with tools of yours, from this folder: each exports by default a tool or a list of them',
    ),
  mcp_servers: mcpServersSchema.default({}).describe('MCP servers whose tools the agents may use, by a name of yours'),
  behaviours: z
    .record(z.string(), behaviour)
    .default({})
    .describe('Changes to the behaviours that the crews bring, by name'),
});

export type SystemConfig = z.output<typeof systemSchema>;
export type BehaviourSettings = SystemConfig['behaviours'][string];
