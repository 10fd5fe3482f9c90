import type { AnyEvent, EventName } from './event.ts';

export const STREAM_CHANNELS = ['run', 'task', 'agent', 'model', 'tool', 'approval', 'text', 'event'] as const;

/**
 * What a stream item is about: `run` (crews and flows as a whole), `task` (tasks, methods of flows, guardrails),
 * `agent`, `model` (calls, fallbacks, budgets), `tool`, `approval` (what waits for people and what they said), `text`
 * (pieces of answers while models write them), `event` (all the rest: data, storage, the desk itself).
 */
export type StreamChannel = (typeof STREAM_CHANNELS)[number];

/** One item of a stream, the same over the library, server-sent events and WebSocket. */
export interface StreamItem {
  /** Of the event; of a piece of text, one made of its place. */
  readonly id: string;
  /** Number of the event, 1, 2, 3 … without holes in the journal. Of a piece of text: of the newest event before it. */
  readonly seq: number;
  /** The run of a crew or flow that it belongs to. */
  readonly run: string | null;
  /** Path of what encloses this one; null at the top. */
  readonly parent: string | null;
  /** Place of what it tells of: `RUN`, `RUN/task`, `RUN/task/agent`, `RUN/task/agent/call`; outside runs its source. */
  readonly path: string;
  readonly channel: StreamChannel;
  /** Name of the event, or `text`. */
  readonly type: EventName | 'text';
  /** UTC ms. */
  readonly time: number;
  readonly data: unknown;
}

/** A piece of an answer while a model writes it. */
export interface TextPiece {
  readonly run_id: string;
  readonly task: string;
  readonly agent: string;
  readonly turn: number;
  readonly text: string;
}

const BY_GROUP: Readonly<Record<string, StreamChannel>> = {
  run: 'run',
  flow: 'run',
  crew: 'run',
  task: 'task',
  method: 'task',
  guardrail: 'task',
  agent: 'agent',
  memory: 'agent',
  knowledge: 'agent',
  model: 'model',
  budget: 'model',
  tool: 'tool',
  approval: 'approval',
  question: 'approval',
};
const BY_NAME: Readonly<Record<string, StreamChannel>> = {
  'system.approval_required': 'approval',
  'run.answered': 'approval',
  'agent.started': 'event',
  'agent.stopped': 'event',
};

/** The channel of an event. */
export function channelOf(type: EventName): StreamChannel {
  return BY_NAME[type] ?? BY_GROUP[type.slice(0, type.indexOf('.'))] ?? 'event';
}

/** An event as an item of a stream: from the event alone, so it is the same whenever and by whomever it is read. */
export function itemOf(event: AnyEvent): StreamItem {
  const { id, seq, type, time, data } = event;
  const run = runOf(event);
  const segments = run === null ? [event.source] : [run, ...within(event)];
  const channel = channelOf(type);
  return {
    id,
    seq,
    run,
    parent: parentOf(segments, run !== null),
    path: segments.join('/'),
    channel,
    type,
    time,
    data,
  };
}

/** A piece of text as an item. `at`: the newest event's number and the piece's own after it. */
export function textItem(
  piece: TextPiece,
  at: { readonly seq: number; readonly n: number; readonly time: number },
): StreamItem {
  const { run_id: run, task, agent } = piece;
  const path = `${run}/${task}/${agent}`;
  const { seq, n, time } = at;
  return {
    id: `text_${seq}_${n}`,
    seq,
    run,
    parent: `${run}/${task}`,
    path,
    channel: 'text',
    type: 'text',
    time,
    data: piece,
  };
}

/** The run that an event belongs to, null when it belongs to none. */
export function runOf(event: AnyEvent): string | null {
  const own = field(event, 'run_id');
  return own ?? (event.correlation_id?.startsWith('run_') === true ? event.correlation_id : null);
}

/** Whether a run is `of`, or was started by a flow that is. */
export function isWithin(run: string | null, of: string): boolean {
  return run !== null && (run === of || run.startsWith(`${of}/`));
}

function within(event: AnyEvent): readonly string[] {
  const [group] = event.type.split('.');
  const method = field(event, 'method');
  if (group === 'method' && method !== null && 'execution' in event.data) return [`${method}#${event.data.execution}`];
  const task = field(event, 'task_id');
  const own = field(event, 'agent_id') ?? field(event, 'caller')?.replace(/^agent:/, '') ?? null;
  // A task is one thing, whoever works on it.
  const agent = group === 'task' || group === 'guardrail' ? null : own;
  return [task, agent, field(event, 'call_id')].filter((part) => part !== null);
}

/** A run that a method of a flow started is named `FLOW_RUN/method#execution.n`, and lies within that method. */
function parentOf(segments: readonly string[], inRun: boolean): string | null {
  if (segments.length > 1) return segments.slice(0, -1).join('/');
  const [run = ''] = segments;
  return inRun && run.includes('/') ? run.replace(/\.\d+$/, '') : null;
}

function field(event: AnyEvent, name: string): string | null {
  const value = (event.data as Readonly<Record<string, unknown>>)[name];
  return typeof value === 'string' && value !== '' ? value : null;
}
