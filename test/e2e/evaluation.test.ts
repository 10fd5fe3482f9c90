import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { built, crew, temporaryFolder } from './crew.ts';

describe.runIf(built)('crew test', { timeout: 60_000 }, () => {
  it('passes the shipped crew by its own cases', async () => {
    const { code, stdout } = await crew(['test', 'operations', '-n', '2', '--json', '--data', temporaryFolder()]);
    expect(JSON.parse(stdout)).toMatchObject({ crew: 'operations', runs_per_case: 2, passed: true, score: 1 });
    expect(code).toBe(0);
  });

  it('fails below the threshold, and says what was missed', async () => {
    const folder = temporaryFolder();
    const cases = join(folder, 'cases.yaml');
    writeFileSync(cases, 'cases: [{ name: never, rules: [{ field: status, is: perfect }] }]');
    const { code, stdout } = await crew(['test', 'operations', '--cases', cases, '--data', folder]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^never +1 +0\.00 .* failed$/m);
    expect(stdout).toMatch(/is 'healthy'|is 'warning'|is 'degraded'|is 'critical'/);
    expect(stdout).toContain('operations failed: 0.00 of 0.70 needed');
  });

  it('says where the cases belong, and what is wrong with them', async () => {
    const missing = await crew(['test', 'data-ops', '--data', temporaryFolder()]);
    expect([missing.code, missing.stderr]).toEqual([
      2,
      expect.stringMatching(/data-ops has no cases: write .*evaluation\.yaml/),
    ]);
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'cases.yaml'), 'cases: []');
    const wrong = await crew(['test', 'operations', '--cases', join(folder, 'cases.yaml'), '--data', folder]);
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringMatching(/cases\.yaml:1/)]);
  });
});
