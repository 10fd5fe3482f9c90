import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createProgram } from '../src/serve/cli/program.ts';

const FOLDERS = ['.', 'docs', 'bench', 'examples', 'src', 'crews', 'test'];
const DOCUMENTS = FOLDERS.flatMap((folder) =>
  readdirSync(folder, { recursive: !['.', 'docs'].includes(folder), encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => path.endsWith('.md') && !path.includes('node_modules')),
);

/** What is shown as code: spans, and blocks that are shell or have no language. */
function codeOf(text: string): readonly string[] {
  const blocks = [...text.matchAll(/^```(\w*)\n([^]*?)^```/gm)];
  const shell = blocks.filter(([, language = '']) => ['', 'bash', 'sh', 'console'].includes(language));
  const prose = text.replaceAll(/^```[^]*?^```/gm, '');
  return [
    ...shell.flatMap(([, , block = '']) => block.split('\n').flatMap((line) => line.split(/#|·/))),
    ...[...prose.matchAll(/`([^`\n]+)`/g)].map(([, span = '']) => span),
  ];
}

/** Commands of ours in a text, as typed: `run data-ops --shadow`. */
function commandsIn(text: string): readonly string[] {
  return codeOf(text).flatMap((code) => {
    const found = /^\s*(?:\$ |npx )?crew ([a-z][^|;>]*)/.exec(code);
    return found?.[1] === undefined ? [] : [found[1].trim()];
  });
}

function named(command: Command, word: string | undefined): Command | undefined {
  return command.commands.find((one) => one.name() === word || (word !== undefined && one.aliases().includes(word)));
}

/** What of a typed command there is not; undefined when there is all of it. */
function wrongIn(typed: string, program = createProgram()): string | undefined {
  const words = typed.split(/\s+/);
  const first = named(program, words[0]);
  if (first === undefined) return `crew ${typed}: there is no command '${words[0] ?? ''}'`;
  const second = named(first, words[1]);
  const isGroup = first.commands.length > 0 && first.registeredArguments.length === 0;
  if (isGroup && second === undefined && /^[a-z]/.test(words[1] ?? ''))
    return `crew ${typed}: ${first.name()} has no '${words[1] ?? ''}'`;
  // A group without a word runs its default command (which commander keeps under this name) with all options.
  const ran =
    second ?? named(first, z.string().nullish().parse(Reflect.get(first, '_defaultCommandName')) ?? undefined);
  const known = new Set([program, first, ran].flatMap((c) => c?.options ?? []).flatMap((o) => [o.long, o.short]));
  const unknown = [...typed.matchAll(/(?:^|\s|\[)(--[a-z][a-z-]*)/g)].map(([, option = '']) => option);
  const missing = unknown.find((option) => option !== '--help' && !known.has(option));
  return missing === undefined ? undefined : `crew ${typed}: there is no option ${missing}`;
}

describe('a document', () => {
  test.each(DOCUMENTS)('shows commands and options that there are: %s', (path) => {
    const wrong = commandsIn(readFileSync(path, 'utf8')).map((typed) => wrongIn(typed));
    expect(wrong.filter((one) => one !== undefined)).toEqual([]);
  });

  test.each(DOCUMENTS)('links files that there are: %s', (path) => {
    const links = [...readFileSync(path, 'utf8').matchAll(/\]\(([^)\s]+)\)/g)].map(([, to = '']) => to);
    const files = links.filter((to) => !/^(?:[a-z]+:|#)/.test(to)).map((to) => to.split('#')[0] ?? '');
    expect(files.filter((to) => !existsSync(join(dirname(path), to)))).toEqual([]);
  });

  test('is looked at in a way that can fail', () => {
    const text = '`crew run data-ops` and\n```\ncrew status · crew evnts --follow # look\n```\n';
    expect(commandsIn(text)).toEqual(['status', 'evnts --follow', 'run data-ops']);
    expect(wrongIn('evnts --follow')).toMatch(/no command 'evnts'/);
    expect(wrongIn('events --folow')).toMatch(/no option --folow/);
    expect(wrongIn('tools lst')).toMatch(/tools has no 'lst'/);
    expect(wrongIn('tools call NAME --args JSON --agent ID')).toBeUndefined();
    expect(DOCUMENTS.length).toBeGreaterThan(10);
  });
});
