import { describe, expect, test } from 'vitest';
import { flowFromSpec } from '../../../src/crew/flow/from-spec.ts';
import { flowMermaid, flowSvg } from '../../../src/crew/flow/plot.ts';
import { definePlaybook } from '../../../src/crew/index.ts';
import { createModelSource } from '../../../src/crew/model/source.ts';
import { toyAgent, toyTask, toyTool } from '../../../src/testing/index.ts';
import { issuesOf, load } from '../config/folder.ts';
import { flowDesk } from './desk.ts';

const base = {
  'agents.yaml': '\nana:\n  role: A\n  goal: B\n  backstory: C\n  tools: []',
  'tasks.yaml': '\na:\n  description: D {x}\n  expected_output: E\n  agent: ana',
  'crews.yaml': '\ntoy:\n  tasks: [a]',
};

const watch = `
watch:
  description: Looks until it sees enough.
  trigger: { cron: "*/15 * * * *" }
  state: { rounds: 0, seen: null, symbol: BTC }
  steps:
    look:
      start: true
      after: again
      crew: toy
      inputs: { x: "{symbol}" }
      save: seen
      add: { rounds: 1 }
    judge:
      after: look
      routes:
        - { to: again, when: { field: rounds, below: 3 } }
        - { to: enough }
    tell:
      after: { any: [enough, { all: [look, never] }] }
      agent: ana
      prompt: "Saw {seen.x} in {rounds} rounds"
      save: told
      set: { note: "{symbol}: {output.said}" }
    never: { after: nothing }
    other: { after: judge, routes: [{ to: nothing, when: { field: rounds, above: 99 } }, { to: quiet }] }`;

const models = createModelSource({
  env: {},
  model: 'playbook',
  fallbacks: [],
  playbooks: {
    toy: definePlaybook({ a: ({ inputs }) => ({ answer: { x: inputs['x'] } }) }),
    'agent:ana': definePlaybook({ answer: ({ inputs }) => ({ answer: { said: inputs['prompt'] } }) }),
  },
});

describe('a flow in YAML', () => {
  test('runs crews and agents, loops, routes and keeps what they give', async () => {
    const config = load({ ...base, 'flows.yaml': watch });
    const spec = config.flows[0];
    if (spec === undefined) throw new Error('no flow');
    const flow = flowFromSpec(spec);
    expect(flow).toMatchObject({ id: 'watch', enabled: true, schedule: { cron: '*/15 * * * *' } });
    const { flows } = flowDesk([flow], { models, tasks: [toyTask('a', 'ana', { description: 'D {x}' })] });
    const document = await flows.kickoff('watch', { symbol: 'ETH' });
    expect(document).toMatchObject({
      status: 'completed',
      state: { rounds: 3, seen: { x: 'ETH' }, note: 'ETH: Saw ETH in 3 rounds' },
    });
    expect(document.methods.map((m) => [m.id, m.runs])).toEqual([
      ['look', 3],
      ['judge', 3],
      ['tell', 1],
      ['never', 0],
      ['other', 3],
    ]);
  });

  test('may be no more than crews in order; tools are called as an agent', async () => {
    const text = `
short: { crews: [toy, second], state: { x: 1 } }
call:
  steps:
    look: { start: true, tool: get_status, agent: ana, inputs: { at: "{input.at}" } }`;
    const crews = `${base['crews.yaml']}\nsecond:\n  tasks: [a]`;
    const config = load({ ...base, 'crews.yaml': crews, 'flows.yaml': text });
    const [short, call] = config.flows.map(flowFromSpec);
    expect(short?.methods.map((m) => [m.id, m.start, m.on])).toEqual([
      ['toy', true, null],
      ['second', false, 'toy'],
    ]);
    if (call === undefined) throw new Error('no flow');
    const tools = [toyTool('get_status', ({ at }) => at)];
    const { flows } = flowDesk([call], { agents: [toyAgent('ana', { tools: ['get_status'] })], tools });
    expect((await flows.kickoff('call', {}, { payload: { at: 7 } })).output).toBe(7);
  });

  test('names each mistake with its place', () => {
    const wrong = `
f:
  trigger: { event: data.gap }
  crews: [tyo]
  steps:
    a: { start: true, tool: get_status }
    b: { after: aa, crew: toy, flow: f }
    c: { agent: ana }
g:
  steps: {}
  crew: toy`;
    expect(issuesOf({ ...base, 'flows.yaml': wrong })).toEqual([
      "flows.yaml:2:21: flow f: 'data.gap' is not an event",
      "flows.yaml:3:11: flow f: 'tyo' is not a crew (did you mean toy?)",
      'flows.yaml:5:29: flow f, step a: a tool is called as an agent: name it with agent',
      'flows.yaml:6:5: flow f, step b: it does more than one thing: make steps of them',
      "flows.yaml:6:17: flow f: method b waits for 'aa', which is no method and no route (did you mean a?)",
      'flows.yaml:7:5: flow f, step c: agent and prompt belong together',
      'flows.yaml:7:5: flow f: nothing starts method c',
      "flows.yaml:10:3: g: unknown field 'crew' (did you mean crews?)",
    ]);
  });
});

describe('a drawing of a flow', () => {
  const spec = load({ ...base, 'flows.yaml': watch }).flows[0];
  if (spec === undefined) throw new Error('no flow');
  const flow = flowFromSpec(spec);

  test('as Mermaid', () => {
    expect(flowMermaid(flow)).toBe(`flowchart TD
  look(["look<br/>crew toy"])
  judge{{"judge"}}
  tell["tell<br/>ask ana"]
  never["never"]
  other{{"other"}}
  judge -->|"again"| look
  look --> judge
  judge -->|"enough"| tell
  look -.-> tell
  never -.-> tell
  other -->|"nothing"| never
  judge --> other
`);
  });

  test('as SVG: every method once, every arrow, no text that could be markup, nothing outside the picture', () => {
    const svg = flowSvg(flow);
    expect(svg.match(/fill="none"/g)).toHaveLength(7);
    for (const { id } of flow.methods) expect(svg).toContain(`>${id}</text>`);
    const [width = 0, height = 0] = (/viewBox="0 0 ([\d.]+) ([\d.]+)"/.exec(svg) ?? []).slice(1).map(Number);
    const boxes = [...svg.matchAll(/<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="(\d+)"/g)].map((m) =>
      m.slice(1).map(Number),
    );
    expect(boxes.length).toBeGreaterThan(0);
    for (const [x = 0, y = 0, w = 0, h = 0] of boxes) {
      expect(x + w).toBeLessThanOrEqual(width);
      expect(y + h).toBeLessThanOrEqual(height);
    }
  });
});
