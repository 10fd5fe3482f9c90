import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Tests that compare what happened with when it should have: they get the machine to themselves, after all others. */
const ALONE = ['test/e2e/truth.test.ts'];

/** The end-to-end tests first: the longest of them would otherwise run last, with the other worker idle. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification): boolean => moduleId.includes('/test/e2e/');
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

const source = (path: string): string => fileURLToPath(new URL(`src/${path}index.ts`, import.meta.url));

export default defineConfig({
  // Examples that a test imports run on the source, not on what was built last.
  resolve: {
    alias: [
      { find: /^orderflow-crew$/, replacement: source('') },
      { find: 'orderflow-crew/crew', replacement: source('crew/') },
      { find: 'orderflow-crew/testing', replacement: source('testing/') },
    ],
  },
  test: {
    testTimeout: 30_000,
    hookTimeout: 30_000,
    globalSetup: 'test/one-temporary-folder.ts',
    pool: 'forks',
    isolate: false,
    maxWorkers: 2,
    reporters: ['default'],
    sequence: { sequencer: LongestFirst },
    projects: [
      { extends: true, test: { name: 'all', include: ['test/**/*.test.ts'], exclude: ALONE, sequence: { groupOrder: 0 } } },
      { extends: true, test: { name: 'alone', include: ALONE, sequence: { groupOrder: 1 } } },
    ],
  },
});
