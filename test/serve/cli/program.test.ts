import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { EXAMPLES } from '../../../src/serve/cli/examples.ts';
import { messageOf } from '../../../src/serve/cli/exit.ts';
import { tapeFolder } from '../../../src/serve/cli/actions/data.ts';
import { InvalidInput, NotFound } from '../../../src/kit/errors.ts';
import { allCommands, createProgram, isUsageError, pathOf } from '../../../src/serve/cli/program.ts';

const commands = allCommands(createProgram()).filter((command) => command.name() !== 'help');

/** What `--help` prints, the text after the options included. */
function helpOf(command: (typeof commands)[number]): string {
  let text = '';
  command.configureOutput({ writeOut: (part) => (text += part) });
  command.outputHelp();
  return text;
}

test.each(commands.map((command) => [pathOf(command), command] as const))(
  'crew %s --help has examples that name it',
  (path, command) => {
    const help = helpOf(command);
    const [, examples = ''] = /Examples?:\n([\s\S]*)/.exec(help) ?? [];
    const names = [path, path.replace(' ls', ' list')].map((name) => `crew ${name}`);
    const isNamed =
      names.some((name) => examples.includes(name)) || examples.includes(`crew ${path.split(' ')[0] ?? ''}`);
    expect([path, isNamed]).toEqual([path, true]);
    expect(help).toContain('--json');
  },
);

test.each([['start'], ['sim'], ['mcp'], ['status']])('crew %s takes no log level that there is not', async (name) => {
  const program = createProgram();
  const quiet = { writeOut: () => undefined, writeErr: () => undefined };
  for (const command of [program, ...allCommands(program)]) command.configureOutput(quiet);
  const parsing = program.parseAsync(['--log-level', 'loud', name], { from: 'user' });
  const error: unknown = await parsing.catch((reason: unknown) => reason);
  expect(isUsageError(error)).toBe(true);
  expect(String(error)).toContain("argument 'loud' is invalid. Allowed choices are debug, info, warn, error, silent.");
});

test.each([
  ['start', '--sim-speed', '0'],
  ['run', '--sim-speed', '-1'],
  ['sim', '--speed', '20000'],
])('crew %s takes no %s of %s', async (name, option, value) => {
  const program = createProgram();
  const quiet = { writeOut: () => undefined, writeErr: () => undefined };
  for (const command of [program, ...allCommands(program)]) command.configureOutput(quiet);
  const parsing = program.parseAsync([name, `${option}=${value}`], { from: 'user' });
  const error: unknown = await parsing.catch((reason: unknown) => reason);
  expect(isUsageError(error)).toBe(true);
  expect(String(error)).toContain('a number from 0.01 to 10000 is needed');
});

test('what the system refuses names the file and the remedy', () => {
  const refused = Object.assign(new Error("EACCES: permission denied, mkdir '/srv/x'"), {
    code: 'EACCES',
    path: '/srv/x',
  });
  expect(messageOf(refused)).toBe(
    "/srv/x: this user may not; choose another place, or run as a user who may (EACCES: permission denied, mkdir '/srv/x')",
  );
  expect(messageOf(new Error('else'))).toBe('else');
  expect(messageOf(new InvalidInput('ours'))).toBe('ours');
});

test('every listed example belongs to a command that there is', () => {
  const paths = commands.map(pathOf);
  expect(Object.keys(EXAMPLES).filter((path) => !paths.includes(path))).toEqual([]);
});

test('what messages advise to run, there is', () => {
  const source = path.resolve(import.meta.dirname, '../../../src');
  const advised = readdirSync(source, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) => [...readFileSync(path.join(source, name), 'utf8').matchAll(/[:;(] ?crew ([a-z][a-z-]*)/g)])
    .map(([, name]) => name);
  const names = new Set(commands.flatMap((command) => pathOf(command).split(' ')[0] ?? []));
  expect(advised.length).toBeGreaterThan(10);
  expect(advised.filter((name) => !names.has(name ?? ''))).toEqual([]);
});

test('a tape folder that is named and not there is refused, not an empty tape that is whole', () => {
  const named = (dir?: string) => tapeFolder({ optsWithGlobals: () => ({ dir, data: 'desk' }) } as never);
  expect(() => named('/not/there')).toThrow(NotFound);
  expect(named(import.meta.dirname)).toBe(import.meta.dirname);
  expect(named()).toBe(path.resolve('desk/tape'));
});
