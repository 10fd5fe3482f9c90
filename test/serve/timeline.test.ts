import { describe, expect, it } from 'vitest';
import type { AnyEvent, EventName, EventPayload } from '../../src/kit/event.ts';
import type { Output } from '../../src/serve/cli/print.ts';
import { durationText, printTimeline } from '../../src/serve/cli/timeline.ts';
import { judgementsOf, timelineOf } from '../../src/serve/timeline.ts';

const run = { run_id: 'run_1', crew: 'desk' };
const look = { ...run, task_id: 'look', agent_id: 'clerk' };
const tool = { call_id: 'c', tool: 'stock', caller: 'agent:clerk', run_id: 'run_1', task_id: 'look' };
const model = { ...look, model: 'openai:gpt-5-mini', input_tokens: 1, output_tokens: 1 };

function at<N extends EventName>(time: number, type: N, data: EventPayload<N>): AnyEvent {
  const event = { id: `e${time}`, seq: time, type, time, source: 'crew', priority: 5, correlation_id: 'run_1', data };
  return event as unknown as AnyEvent;
}

const EVENTS = [
  at(0, 'task.started', look),
  at(2000, 'model.called', { ...model, duration_ms: 2000 }),
  at(2100, 'tool.called', { ...tool, ok: true, error_code: null, duration_ms: 100, shadow: false }),
  at(3000, 'tool.called', { ...tool, ok: false, error_code: 'stale', duration_ms: 500, shadow: false }),
  at(4000, 'run.waiting', { ...run, reason: 'a person' }),
  at(9000, 'run.resumed', { ...run, from: 'look' }),
  at(10_000, 'task.completed', { ...look, duration_ms: 1, tool_calls: 2 }),
  at(10_000, 'task.started', { ...look, task_id: 'report' }),
  at(10_500, 'task.started', { ...look, run_id: 'another' }),
];

function printed(width: number, colour = false): string {
  let text = '';
  const output: Output = { json: false, colour, width, write: (more) => void (text += more) };
  printTimeline(output, timelineOf('run_1', EVENTS, 12_000));
  return text;
}

describe('the timeline of a run', () => {
  it('has a line for each task, and below it for what it called, scaled to the whole', () => {
    expect(printed(70).split('\n')).toEqual([
      'TIMELINE             0                      12.0 s',
      'look (clerk)         █████████████████████████                  10.0 s',
      '  openai:gpt-5-mini  █████                                       2.0 s',
      '  stock                  ▏ ██                       600 ms ×2 1 failed',
      'report (clerk)                               █████             2.0 s …',
      'waiting                       █████████████                      5.0 s',
      '',
    ]);
  });

  it('has a line for each thing that models were asked beside the steps, and for judges of the whole', () => {
    const judged = {
      judge_run: 'run_1/judge_1',
      model: 'openai:judge',
      criterion: 'Be kind',
      reason: 'r',
      total_tokens: 9,
    };
    const events = [
      at(0, 'task.started', look),
      at(1000, 'model.called', { ...model, duration_ms: 1000 }),
      at(2000, 'model.called', { ...model, purpose: 'judge_answer', duration_ms: 500 }),
      at(2000, 'task.completed', { ...look, duration_ms: 1, tool_calls: 0 }),
      at(4000, 'run.judged', { run_id: 'run_1', ...judged, score: 0.9, duration_ms: 1000 }),
      at(5000, 'run.judged', { run_id: 'run_1', ...judged, score: null, duration_ms: 500 }),
      at(5000, 'run.judged', { run_id: 'run_2', ...judged, score: 1, duration_ms: 500 }),
    ];
    expect(
      timelineOf('run_1', events, 9000).map(({ kind, name, bars }) => [
        kind,
        name,
        bars.map((b) => [b.from, b.to, b.ok]),
      ]),
    ).toEqual([
      ['task', 'look', [[0, 2000, true]]],
      ['model', 'openai:gpt-5-mini', [[0, 1000, true]]],
      ['model', 'judge_answer, openai:gpt-5-mini', [[1500, 2000, true]]],
      [
        'judge',
        'openai:judge',
        [
          [3000, 4000, true],
          [4500, 5000, false],
        ],
      ],
    ]);
    expect(judgementsOf('run_1', events).map((j) => j.score)).toEqual([0.9, null]);
  });

  it('fits any width, and has colours only where the output has them', () => {
    for (const width of [60, 80, 200]) {
      const lines = printed(width).trimEnd().split('\n');
      expect(lines).toHaveLength(6);
      for (const line of lines) expect(line.length).toBeLessThanOrEqual(width);
      expect(printed(width)).not.toContain('\u001b');
    }
    expect(printed(Number.POSITIVE_INFINITY).split('\n')[1]?.length).toBe(100);
    expect(printed(80, true)).toContain('\u001b[31m');
  });

  it('writes nothing where nothing happened', () => {
    let text = '';
    const write = (more: string): void => void (text += more);
    printTimeline({ json: false, colour: false, width: 80, write }, timelineOf('run_2', EVENTS, 0));
    expect(text).toBe('');
  });

  it('says times as people do', () => {
    expect([0.4, 999, 1500, 61_000, 7_260_000].map(durationText)).toEqual([
      '0 ms',
      '999 ms',
      '1.5 s',
      '1 min 1 s',
      '2 h 1 min',
    ]);
  });
});
