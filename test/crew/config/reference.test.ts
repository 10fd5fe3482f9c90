import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { findCrewModule } from '../../../src/crew/config/crew-module.ts';
import { configReference, jsonSchemas, systemKeys } from '../../../src/crew/config/reference.ts';
import { folder, sections } from './folder.ts';

const schemaPart = z.record(z.string(), z.unknown());

describe('the configuration reference', () => {
  it('has a JSON schema a file, sections included', () => {
    const schemas = jsonSchemas(sections);
    expect(Object.keys(schemas)).toEqual([
      'system.schema.json',
      'agents.schema.json',
      'tasks.schema.json',
      'crews.schema.json',
      'flows.schema.json',
    ]);
    expect(schemas['system.schema.json']).toMatchObject({
      title: 'system.yaml',
      type: 'object',
      additionalProperties: false,
      properties: {
        market: { type: 'object' },
        logging: { properties: { level: { enum: expect.any(Array) as unknown, default: 'warn' } } },
      },
    });
    const system = schemaPart.parse(schemas['system.schema.json']);
    expect(system['required']).toBeUndefined();
    expect(schemas['agents.schema.json']).toMatchObject({
      additionalProperties: {
        required: ['role', 'goal', 'backstory'],
        properties: { reasoning: {}, permission_role: {} },
      },
    });
    expect(schemas['tasks.schema.json']).toMatchObject({
      additionalProperties: { required: ['description', 'expected_output'] },
    });
  });

  it('lists every key with type, default, variable and description', () => {
    const page = configReference(sections);
    expect(page).toContain(
      '| `market.collect.flush_interval_ms` | whole number ≥ 50 | `1000` |  (`CREW_MARKET__COLLECT__FLUSH_INTERVAL_MS`) |',
    );
    expect(page).toContain('| `overrides[].level` | NONE, READ_ONLY, READ_WRITE, WRITE, ADMIN | required |');
    expect(page).toContain('| `behaviours.<name>.every` | text |  | How often it fires: 30s, 5m, 1h |');
    expect(page).toContain('| `llm` | text or null | `null` |');
    expect(page).toContain('| `backstory` | text | required |');
    expect(page).toContain('`markdown`');
  });

  it('describes every key of system.yaml', () => {
    const silent = systemKeys({})
      .filter((key) => key.description === '')
      .map((key) => key.path.join('.'));
    expect(silent).toEqual([]);
  });
});

describe('what a crew brings besides YAML', () => {
  it('is looked for in the configuration folder, then in the package', () => {
    const dir = folder({ 'system.yaml': '' });
    expect(findCrewModule(dir, 'press', 'graph')).toBeUndefined();
    mkdirSync(join(dir, 'crews', 'press'), { recursive: true });
    writeFileSync(join(dir, 'crews', 'press', 'graph.mjs'), 'export default 1;');
    const found = findCrewModule(dir, 'press', 'graph');
    expect(found?.startsWith('file://') && found.endsWith('crews/press/graph.mjs')).toBe(true);
    expect(findCrewModule(dir, 'press', 'playbook')).toBeUndefined();
  });

  it.runIf(existsSync(fileURLToPath(new URL('../../../crews/data-ops/playbook.ts', import.meta.url))))(
    'finds the shipped crews',
    () => {
      expect(findCrewModule(folder({ 'system.yaml': '' }), 'data-ops', 'playbook')).toContain(
        'crews/data-ops/playbook.ts',
      );
    },
  );
});
