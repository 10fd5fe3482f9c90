// A tool of your own. A module exports a tool, a list of them, or a function that is given what they are made with.
import { readdir, realpath, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';

const MOST = 10_000;

export default ({ defineTool, z, InvalidInput, NotFound }) =>
  defineTool({
    name: 'list_files',
    title: 'List files',
    toolset: 'files',
    category: 'files',
    access: 'READ_ONLY',
    // none: reads; effect: changes something outside, and then needs a preview for shadow mode.
    effects: 'none',
    description: 'Lists the files of a folder and of the folders in it, the largest first.',
    input: z.strictObject({ folder: z.string().max(500).describe('Folder below the working directory, as in src') }),
    output: z.object({
      files: z.array(z.object({ path: z.string(), bytes: z.number().int() })),
      total_bytes: z.number().int().describe('Sum of their sizes, bytes'),
    }),
    examples: [{ title: 'Here', input: { folder: '.' } }],
    async run({ folder }, { clock }) {
      const base = await realpath(folder).catch((cause) => {
        throw new NotFound(`there is no folder ${folder}`, { cause });
      });
      const here = await realpath('.');
      if (base !== here && !base.startsWith(here + sep))
        throw new InvalidInput(`${folder} is not below the working directory`);
      const entries = await readdir(base, { recursive: true, withFileTypes: true });
      const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
      const files = await Promise.all(
        paths.slice(0, MOST).map(async (path) => ({ path: relative(base, path), bytes: (await stat(path)).size })),
      );
      files.sort((a, b) => b.bytes - a.bytes || (a.path < b.path ? -1 : 1));
      return {
        data: { files, total_bytes: files.reduce((sum, { bytes }) => sum + bytes, 0) },
        provenance: { as_of: new Date(clock.now()).toISOString(), source: base, complete: paths.length <= MOST, stale_ms: 0 },
      };
    },
  });
