import { describe, expect, test } from 'vitest';
import { tools } from '../../src/market/tools/catalogue.generated.ts';
import { toolRow } from '../../src/serve/listing.ts';
import { createToolSearch } from '../../src/serve/tool-search.ts';
import { TOOL_TASKS } from './tool-tasks.ts';

const search = createToolSearch(tools.map(toolRow));
const names = new Set(tools.flatMap((tool) => [tool.name, ...tool.aliases]));
const SHOWN = 5;
/** Of 100 tasks, so many may be missed at most. */
const MISSED = 5;

const found = (task: string): readonly string[] => search.find(task, SHOWN).flatMap((t) => [t.name, ...t.aliases]);

describe('finding a tool by what one wants to do', () => {
  test('100 tasks: the tool is among the first five for at least 95', () => {
    expect(TOOL_TASKS.length).toBe(100);
    expect(new Set(TOOL_TASKS.map((t) => t.task)).size).toBe(100);
    expect(TOOL_TASKS.filter((t) => !t.tools.some((name) => names.has(name)))).toEqual([]);
    const missed = TOOL_TASKS.filter((t) => !found(t.task).some((name) => t.tools.includes(name)));
    expect(missed.length, JSON.stringify(missed, null, 1)).toBeLessThanOrEqual(MISSED);
  });

  test('every tool is found by its own name, by each alias and by its title', () => {
    const lost = tools.flatMap((tool) =>
      [tool.name, ...tool.aliases, tool.title]
        .filter((text) => !found(text).includes(tool.name))
        .map((text) => `${tool.name}: ${text}`),
    );
    expect(lost).toEqual([]);
  });

  test('typing errors are forgiven; nothing and nonsense find nothing', () => {
    expect(found('reconect exchnage')).toContain('trigger_reconnect');
    expect(found('')).toEqual([]);
    expect(found('the of and')).toEqual([]);
    expect(found('zzzzqqqq xxyyzz')).toEqual([]);
  });

  test('a venue that is named comes first; without one the tools of all venues do', () => {
    expect(search.find('bybit order book', 2).every((t) => t.toolset === 'exchange_bybit')).toBe(true);
    expect(search.find('order book', 5).some((t) => !t.toolset.startsWith('exchange_'))).toBe(true);
  });
});
