import { expect, test } from 'vitest';
import { EXAMPLES } from '../../../src/serve/cli/examples.ts';
import { allCommands, createProgram, pathOf } from '../../../src/serve/cli/program.ts';

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

test('every listed example belongs to a command that there is', () => {
  const paths = commands.map(pathOf);
  expect(Object.keys(EXAMPLES).filter((path) => !paths.includes(path))).toEqual([]);
});
