import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ConfigInvalid, configIssueText, NotFound } from '../../src/kit/errors.ts';
import { loadDeskConfig, loadModuleTools } from '../../src/serve/config.ts';
import { openFilesDesk } from '../../src/serve/files-desk.ts';
import { folder } from '../crew/config/folder.ts';

const zod = pathToFileURL(join(import.meta.dirname, '../../node_modules/zod/index.js')).href;

/** A module's text: what `defineTool` gives, written out, since a module outside the package has its own copy of it. */
const moduleOf = (...names: readonly string[]): string => `
  import { z } from '${zod}';
  const tool = (name) => ({
    name, aliases: [name + '_old'], title: 'Counts', toolset: 'words', category: 'analytics', access: 'READ_ONLY', effects: 'none',
    description: 'Counts the words of a text that it is given.', timeoutMs: 1000, examples: [],
    input: z.strictObject({ text: z.string().describe('What to count') }), output: z.object({ words: z.number() }),
    run: async ({ text }) => ({
      data: { words: text.split(' ').length },
      provenance: { as_of: null, source: 'the text', complete: true, stale_ms: null },
    }),
  });
  export default ${names.length === 1 ? `tool('${names[0] ?? ''}')` : `[${names.map((n) => `tool('${n}')`).join(', ')}]`};`;

const agents = (...tools: readonly string[]): string => `
  writer: {role: R, goal: G, backstory: B, permission_role: reader, tools: [${tools.join(', ')}]}`;
const system = (...paths: readonly string[]): string => `
  tool_modules: [${paths.join(', ')}]
  roles: {operator: {}, reader: {analytics: READ_ONLY}}`;

async function issuesOf(files: Readonly<Record<string, string>>, env = {}): Promise<readonly string[]> {
  try {
    await loadDeskConfig({ config: folder(files), env });
  } catch (error) {
    if (error instanceof ConfigInvalid) return error.issues.map(configIssueText);
    throw error;
  }
  throw new Error('the configuration was accepted');
}

describe('modules with tools of the user', () => {
  test('are named in system.yaml; agents may use what is in them, by their roles', async () => {
    const config = folder({
      'system.yaml': system('words.mjs', 'more.mjs'),
      'words.mjs': moduleOf('count_words'),
      'more.mjs': moduleOf('count_lines', 'count_pages'),
      'agents.yaml': agents('count_words_old', 'count_pages'),
    });
    const loaded = await loadDeskConfig({ config, env: {} });
    expect(loaded.moduleTools.map((tool) => tool.name)).toEqual(['count_words', 'count_lines', 'count_pages']);
    expect(loaded.agents[0]?.tools).toEqual(['count_words', 'count_pages']);
    const { desk, close } = deskOf(config);
    await using _ = { [Symbol.asyncDispose]: close };
    expect((await desk.tools({ agent: 'writer' })).map((row) => row.name)).toEqual(['count_words', 'count_pages']);
    expect(await desk.explain({ agent: 'writer', tool: 'count_lines' })).toMatchObject({ allowed: false });
    expect(await desk.describeTool('count_words_old')).toMatchObject({ name: 'count_words', toolset: 'words' });
  });

  test('need nothing beside them: a function is given what tools are made with', async () => {
    const config = folder({
      'system.yaml': 'tool_modules: [made.mjs, wrong.mjs]',
      'made.mjs': `export default async ({ defineTool, z, NotFound }) => [defineTool({
        name: 'find_word', title: 'Find', toolset: 'words', category: 'text', access: 'READ_ONLY', effects: 'none',
        description: 'Finds a word in a text that it is given.', examples: [],
        input: z.strictObject({ word: z.string().describe('What to find') }), output: z.object({ at: z.number() }),
        run: () => { throw new NotFound('there is no such word'); },
      })];`,
      'wrong.mjs': `export default ({ defineTool }) => defineTool({ name: 'Wrong' });`,
    });
    await expect(loadModuleTools({ config, env: {} })).rejects.toThrow(
      "wrong.mjs: tool name 'Wrong' must be snake_case of 3 to 64 characters",
    );
    const [tool] = await loadModuleTools({ config, env: { CREW_TOOL_MODULES: '[made.mjs]' } });
    expect(tool).toMatchObject({ name: 'find_word', category: 'text' });
    expect(() => tool?.run({ word: 'x' }, {} as never)).toThrow(NotFound);
  });

  test('may be named by the environment', async () => {
    const config = folder({ 'system.yaml': '', 'words.mjs': moduleOf('count_words') });
    const tools = await loadModuleTools({ config, env: { CREW_TOOL_MODULES: '[words.mjs]' } });
    expect(tools.map((tool) => tool.name)).toEqual(['count_words']);
  });

  test('are told with file, line and column when they cannot be had, together with everything else that is wrong', async () => {
    const files = {
      'system.yaml': system('gone.mjs', 'broken.mjs', 'empty.mjs', 'other.mjs', 'words.mjs', 'taken.mjs', 'words.mjs'),
      'broken.mjs': 'throw new Error("no licence");',
      'empty.mjs': 'export const tool = 1;',
      'other.mjs': 'export default { name: "count_words" };',
      'words.mjs': moduleOf('count_words'),
      'taken.mjs': moduleOf('get_stream_status'),
      'agents.yaml': agents('count_words', 'count_wrods'),
    };
    const issues = await issuesOf(files);
    const of = (name: string): string => issues.find((issue) => issue.includes(`${name}.mjs: `)) ?? '';
    expect(of('gone')).toMatch(/^system\.yaml:1:16: gone\.mjs: there is no file .*gone\.mjs$/);
    expect(of('broken')).toMatch(/^system\.yaml:1:26: broken\.mjs: no licence$/);
    expect(of('empty')).toContain('it has no default export');
    expect(of('other')).toContain('neither a tool made with defineTool nor a list');
    expect(of('taken')).toContain("there is a tool 'get_stream_status' already");
    expect(of('words')).toContain("there is a tool 'count_words' already");
    expect(issues.at(-1)).toMatch(/agents\.yaml.*count_wrods.*did you mean count_words/);
    expect(issues).toHaveLength(7);
    expect(await issuesOf({ 'system.yaml': 'tool_modules: words.mjs' })).toEqual([
      expect.stringMatching(/^system\.yaml:1:15: .*(list|array)/),
    ]);
  });
});

function deskOf(config: string): { desk: ReturnType<typeof openFilesDesk>; close: () => Promise<void> } {
  const desk = openFilesDesk({ config, dataDir: join(config, 'data'), env: {} });
  return { desk, close: async () => desk[Symbol.asyncDispose]() };
}
