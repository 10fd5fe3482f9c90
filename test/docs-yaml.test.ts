import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { loadDeskConfig } from '../src/serve/config.ts';
import { ConfigInvalid, configIssueText } from '../src/kit/errors.ts';

type Entries = Readonly<Record<string, Readonly<Record<string, unknown>>>>;
type Files = Readonly<Record<string, Entries>>;

/** The YAML blocks of a page, each by the files that its comments name. */
function blocksOf(path: string): readonly Files[] {
  const text = readFileSync(path, 'utf8');
  return [...text.matchAll(/^```yaml\n([^]*?)^```/gm)].map(([, block = '']) => {
    const parts = block.split(/^# (\w+\.yaml)\b.*\n/m);
    expect(parts[0], `${path}: a block begins with the name of its file`).toBe('');
    const named = parts.slice(1);
    return Object.fromEntries(
      named.flatMap((name, i) => (i % 2 === 0 ? [[name, parse(named[i + 1] ?? '') as Entries] as const] : [])),
    );
  });
}

/** Files with what a later block says of the same entries put over them. */
function merged(below: Files, over: Files): Files {
  const files = [...new Set([...Object.keys(below), ...Object.keys(over)])];
  return Object.fromEntries(
    files.map((file) => {
      const [known = {}, more = {}] = [below[file], over[file]];
      const entries = Object.entries(more).map(([id, fields]) => [id, { ...known[id], ...fields }] as const);
      return [file, { ...known, ...Object.fromEntries(entries) }];
    }),
  );
}

/** The issues of a folder with these files and whatever they refer to. */
async function issuesOf(files: Files): Promise<readonly string[]> {
  const dir = mkdtempSync(join(tmpdir(), 'docs-yaml-'));
  mkdirSync(join(dir, 'skills/order-books'), { recursive: true });
  writeFileSync(join(dir, 'skills/order-books/SKILL.md'), '---\ndescription: How to read order books\n---\nSlowly.');
  writeFileSync(join(dir, 'fees.md'), '# Fees');
  for (const [file, value] of Object.entries(files)) writeFileSync(join(dir, file), stringify(value));
  try {
    await loadDeskConfig({ config: dir, env: {} });
    return [];
  } catch (error) {
    if (error instanceof ConfigInvalid) return error.issues.map(configIssueText);
    throw error;
  }
}

/** Those whom the page names and leaves to the reader. */
const person = { role: 'R', goal: 'G', backstory: 'B' };
const others: Files = {
  'agents.yaml': { researcher: person, chief: { ...person, allow_delegation: true } },
  'system.yaml': { roles: { operator: {}, reader: { exchange_data: 'READ_ONLY', historical_query: 'READ_ONLY' } } },
};

describe('the YAML of docs/writing-a-crew.md', () => {
  const blocks = blocksOf('docs/writing-a-crew.md');
  const [first = {}] = blocks;

  test('is a whole configuration in its first block, and one one with each of the others over it', async () => {
    expect(blocks.map((files) => Object.keys(files))).toEqual([
      ['agents.yaml', 'tasks.yaml', 'crews.yaml'],
      ['agents.yaml', 'tasks.yaml', 'crews.yaml'],
      ['flows.yaml'],
    ]);
    const base = merged(others, first);
    expect(await issuesOf(base)).toEqual([]);
    for (const block of blocks.slice(1)) expect(await issuesOf(merged(base, block))).toEqual([]);
    expect(await issuesOf(blocks.reduce(merged, base))).toEqual([]);
  });

  test('is looked at in a way that can fail', async () => {
    const wrong: Files = { 'agents.yaml': { watcher: { max_itre: 3 } } };
    expect((await issuesOf(merged(merged(others, first), wrong))).join()).toMatch(/agents\.yaml.*max_itre/);
  });
});

describe('the YAML of docs/people-in-the-loop.md', () => {
  const task = { description: 'D', expected_output: 'E', agent: 'researcher' };
  // What the page leaves to the reader: the tasks that its blocks are about.
  const base = merged(others, { 'tasks.yaml': { report: task, look: task, buy: { ...task, context: ['look'] } } });
  const blocks = blocksOf('docs/people-in-the-loop.md');

  test('is read, each block and all of them together', async () => {
    expect(blocks.map((files) => Object.keys(files))).toEqual([
      ['tasks.yaml'],
      ['flows.yaml'],
      ['tasks.yaml'],
      ['system.yaml'],
    ]);
    expect(await issuesOf(base)).toEqual([]);
    for (const block of blocks) expect(await issuesOf(merged(base, block))).toEqual([]);
    expect(await issuesOf(blocks.reduce(merged, base))).toEqual([]);
  });
});
