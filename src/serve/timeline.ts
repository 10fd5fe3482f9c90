import type { AnyEvent, EventPayload } from '../kit/event.ts';

/** A stretch of time, UTC ms. */
export interface TimeBar {
  readonly from: number;
  readonly to: number;
  readonly ok: boolean;
}

/** One line of a timeline. */
export interface TimeLine {
  readonly kind: 'task' | 'model' | 'tool' | 'judge' | 'wait';
  readonly name: string;
  /** Who works on a task. */
  readonly agent: string | null;
  readonly bars: readonly TimeBar[];
  /** Whether something of it has not ended. */
  readonly open: boolean;
}

interface OpenTask {
  readonly name: string;
  readonly agent: string;
  readonly bars: TimeBar[];
  readonly models: Map<string, TimeBar[]>;
  readonly tools: Map<string, TimeBar[]>;
  since: number | null;
}

/**
 * Where the time of a run went, from its events: a line a task in the order of their first start, below it one for each
 * model and tool that it called (a model that was asked for something beside the task's own steps, as to judge by a rule,
 * has a line for each such thing); then judges of the whole, and what waited for people comes last. `now` ends what has not ended.
 */
export function timelineOf(run: string, events: readonly AnyEvent[], now: number): readonly TimeLine[] {
  const tasks = new Map<string, OpenTask>();
  const judges = new Map<string, TimeBar[]>();
  const waits: TimeBar[] = [];
  let waiting: number | null = null;
  const taskOf = (id: string, agent: string): OpenTask => {
    const known = tasks.get(id);
    if (known !== undefined) return known;
    const made = { name: id, agent, bars: [], models: new Map(), tools: new Map(), since: null };
    tasks.set(id, made);
    return made;
  };
  for (const event of events) {
    const { data, time } = event;
    if (!('run_id' in data) || data.run_id !== run) continue;
    if (event.type === 'task.started') taskOf(event.data.task_id, event.data.agent_id).since ??= time;
    else if (event.type === 'task.completed' || event.type === 'task.failed') {
      const task = taskOf(event.data.task_id, event.data.agent_id);
      task.bars.push({ from: task.since ?? time, to: time, ok: event.type === 'task.completed' });
      task.since = null;
    } else if (event.type === 'model.called' || event.type === 'model.failed') {
      const took = event.type === 'model.called' ? event.data.duration_ms : 0;
      const { models } = taskOf(event.data.task_id, event.data.agent_id);
      const { model, purpose } = event.data;
      add(models, purpose === undefined ? model : `${purpose}, ${model}`, {
        from: time - took,
        to: time,
        ok: event.type === 'model.called',
      });
    } else if (event.type === 'tool.called' || event.type === 'tool.refused' || event.type === 'tool.proposed') {
      const took = event.type === 'tool.called' ? event.data.duration_ms : 0;
      const ok = event.type === 'tool.proposed' || (event.type === 'tool.called' && event.data.ok);
      const { tools } = taskOf(event.data.task_id ?? '–', event.data.caller.replace(/^agent:/, ''));
      add(tools, event.data.tool, { from: time - took, to: time, ok });
    } else if (event.type === 'run.judged') {
      const { model, duration_ms: took, score } = event.data;
      add(judges, model, { from: time - took, to: time, ok: score !== null });
    } else if (event.type === 'run.waiting') waiting = time;
    else if (event.type === 'run.resumed' && waiting !== null) {
      waits.push({ from: waiting, to: time, ok: true });
      waiting = null;
    }
  }
  if (waiting !== null) waits.push({ from: waiting, to: now, ok: true });
  return [
    ...[...tasks.values()].flatMap((task) => linesOf(task, now)),
    ...[...judges].map(([name, bars]): TimeLine => ({ kind: 'judge', name, agent: null, bars, open: false })),
    ...(waits.length === 0
      ? []
      : [{ kind: 'wait' as const, name: 'waiting', agent: null, bars: waits, open: waiting !== null }]),
  ];
}

/** What judges said of a run, from its events. */
export function judgementsOf(run: string, events: readonly AnyEvent[]): readonly EventPayload<'run.judged'>[] {
  return events.flatMap((event) => (event.type === 'run.judged' && event.data.run_id === run ? [event.data] : []));
}

function linesOf(task: OpenTask, now: number): readonly TimeLine[] {
  const { name, agent, since } = task;
  const bars = since === null ? task.bars : [...task.bars, { from: since, to: now, ok: true }];
  const calls = (kind: 'model' | 'tool', of: ReadonlyMap<string, readonly TimeBar[]>): readonly TimeLine[] =>
    [...of].map(([called, list]) => ({ kind, name: called, agent: null, bars: list, open: false }));
  return [
    { kind: 'task', name, agent, bars, open: since !== null },
    ...calls('model', task.models),
    ...calls('tool', task.tools),
  ];
}

function add(lines: Map<string, TimeBar[]>, name: string, bar: TimeBar): void {
  const known = lines.get(name);
  if (known === undefined) lines.set(name, [bar]);
  else known.push(bar);
}
