import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { built, temporaryFolder } from './crew.ts';

const ROOT = join(import.meta.dirname, '../..');

/** A program of somebody's own: a crew that books five lines in a file, one call each, and may die at one of them. */
const PROGRAM = `
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { defineAgent, defineCrew, definePlaybook, defineTask, defineTool, openRunsFile } from 'orderflow-crew/crew';
import { z } from 'zod';

const [, , when, at] = process.argv;
const die = (point, line) => {
  if (when === point && line === Number(at)) process.kill(process.pid, 'SIGKILL');
};
const isBooked = (line) => existsSync('book.txt') && readFileSync('book.txt', 'utf8').split('\\n').includes(String(line));
const result = (line) => ({
  data: { line },
  provenance: { as_of: null, source: 'book.txt', complete: true, stale_ms: null },
});
const book = defineTool({
  name: 'book_line', title: 'Book', toolset: 'book', category: 'book', access: 'WRITE', effects: 'effect',
  description: 'Books a line in the file.', examples: [{ title: 'One', input: { line: 1 } }],
  input: z.strictObject({ line: z.number().int().describe('Which one') }), output: z.object({ line: z.number() }),
  preview: ({ line }) => Promise.resolve({ books: line }),
  run: async ({ line }) => {
    die('before', line);
    appendFileSync('book.txt', line + '\\n');
    die('after', line);
    return result(line);
  },
  reconcile: async ({ line }) => (isBooked(line) ? result(line) : null),
});
const clerk = defineAgent({ id: 'clerk', role: 'Clerk', goal: 'Book', backstory: 'Exact.', tools: [book] });
const crew = defineCrew({
  id: 'books',
  tasks: [defineTask({ id: 'all', description: 'Book five.', expected_output: 'The lines.', agent: clerk })],
  playbook: definePlaybook({
    all: ({ observations }) =>
      observations.length < 5
        ? { calls: [{ tool: 'book_line', args: { line: observations.length + 1 }, reason: 'next' }] }
        : { answer: observations.map(({ result }) => result) },
  }),
});
const file = await openRunsFile({ path: 'runs.duckdb' });
const desk = crew.on(file);
const [open] = await desk.host.runner.listRuns({ status: ['running', 'suspended', 'waiting'] });
const { status, output } = open === undefined ? (await desk.kickoff()).document : await desk.host.runner.resume(open.run_id);
console.log(JSON.stringify({ status, output, audit: (await file.auditLog.verify()).ok }));
await desk.host[Symbol.asyncDispose]();
await file[Symbol.asyncDispose]();
`;

describe.runIf(built)('a crew in code whose process is killed', { timeout: 120_000 }, () => {
  it.each([
    ['before', 1],
    ['after', 1],
    ['before', 4],
    ['after', 5],
  ] as const)('goes on in the next process with every effect made once: killed %s effect %i', async (when, at) => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'node_modules'));
    symlinkSync(ROOT, join(folder, 'node_modules/orderflow-crew'));
    symlinkSync(join(ROOT, 'node_modules/zod'), join(folder, 'node_modules/zod'));
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    writeFileSync(join(folder, 'program.mjs'), PROGRAM);
    const run = (...args: readonly string[]): Promise<{ signal: string | null; stdout: string; stderr: string }> =>
      new Promise((resolve) => {
        execFile(process.execPath, ['program.mjs', ...args], { cwd: folder }, (error, stdout, stderr) => {
          resolve({ signal: error?.signal ?? null, stdout, stderr });
        });
      });
    const killed = await run(when, String(at));
    expect(killed.stderr).toBe('');
    expect(killed).toMatchObject({ signal: 'SIGKILL', stdout: '' });
    const next = await run('never');
    expect(next.stderr).toBe('');
    expect(JSON.parse(next.stdout)).toEqual({
      status: 'completed',
      output: [1, 2, 3, 4, 5].map((line) => ({ line })),
      audit: true,
    });
    expect(readFileSync(join(folder, 'book.txt'), 'utf8')).toBe('1\n2\n3\n4\n5\n');
  });
});
