import { describe, expect, it } from 'vitest';
import { crewDrawing, drawingMermaid, drawingSvg } from '../../../src/crew/index.ts';
import graph from '../../../crews/data-ops/graph.ts';
import { loadDeskConfig } from '../../../src/serve/config.ts';
import { toyAgent, toyCrew, toyTask } from '../../../src/testing/index.ts';

const agents = { a: toyAgent('a'), b: toyAgent('b') };

describe('the drawing of a crew', () => {
  it('shows a parallel crew as its context makes it, with who does what', () => {
    const tasks = {
      end: toyTask('end', 'a'),
      beside: toyTask('beside', 'b'),
      sum: toyTask('sum', 'b', { context: ['end', 'beside'], condition: { above: 1 } }),
    };
    const crew = toyCrew('c', Object.values(agents), Object.values(tasks), { process: 'parallel' });
    expect(drawingMermaid(crewDrawing(crew, { tasks, agents }))).toBe(
      [
        'flowchart TD',
        '  node_start(["start"])',
        '  n_end["end<br/>a"]',
        '  n_beside["beside<br/>b"]',
        '  n_sum["sum<br/>b, if its condition holds"]',
        '  node_end["end"]',
        '  node_start --> n_end',
        '  node_start --> n_beside',
        '  n_sum --> node_end',
        '  n_end -.-> n_sum',
        '  n_beside -.-> n_sum',
        '',
      ].join('\n'),
    );
  });

  it('shows a manager and those it may ask', () => {
    const task = toyTask('t', 'b', { agent: null });
    const crew = toyCrew('c', Object.values(agents), [task], { process: 'hierarchical', manager_agent: 'a' });
    const text = drawingMermaid(crewDrawing(crew, { tasks: { t: task }, agents }));
    expect(text).toContain('  n_manage{{"manage<br/>a"}}');
    expect(text).toContain('  n_delegate["delegate<br/>b"]');
    expect(text).toContain('  n_manage --> n_delegate\n  n_manage --> n_manage\n  n_manage --> node_end');
  });

  it('shows a hand-written graph with its routes, in Mermaid and as a picture', async () => {
    const config = await loadDeskConfig({ config: '.', env: {} });
    const crew = config.crews.find((one) => one.id === 'data-ops');
    if (crew === undefined) throw new Error('there is no crew data-ops');
    const byId = <T extends { readonly id: string }>(list: readonly T[]) =>
      Object.fromEntries(list.map((x) => [x.id, x]));
    const drawing = crewDrawing(crew, { tasks: byId(config.tasks), agents: byId(config.agents), definition: graph });
    const text = drawingMermaid(drawing);
    expect(text).toContain('  n_connections{{"connections: monitor_exchange_connections<br/>collector"}}');
    expect(text).toContain('  n_connections --> n_disconnection\n  n_connections --> n_validation');
    expect(drawing.nodes).toHaveLength(crew.tasks.length + 2);
    const svg = drawingSvg(drawing);
    expect(svg.match(/<(?:rect|polygon) /g)).toHaveLength(drawing.nodes.length + 1);
    expect(svg).toContain('>data-ops</title>');
  });
});
