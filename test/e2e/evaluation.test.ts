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

describe.runIf(built)('crew train', { timeout: 60_000 }, () => {
  it('keeps what is said of each answer, of a new run or an old one, and takes it back', async () => {
    const data = ['--data', temporaryFolder(), '--json'];
    const asked = await crew(['train', 'operations', '-n', '2', '--by', 'alice', ...data], {
      input: 'name the slowest part\n\n',
    });
    expect(asked.stderr).toContain('What should be different?');
    const [kept] = JSON.parse(asked.stdout) as readonly { readonly id: string; readonly run_id: string }[];
    expect(kept).toMatchObject({ agent: 'system_health', task: 'monitor_system_health', given_by: 'alice' });
    const run = ['train', 'operations', '--run', kept?.run_id ?? ''];
    const more = await crew([...run, '--feedback', 'monitor_system_health=be brief', ...data]);
    expect(JSON.parse(more.stdout)).toMatchObject([{ text: 'be brief', run_id: kept?.run_id }]);
    const wrong = await crew([...run, '--feedback', 'monitor_system=x', ...data]);
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringMatching(/no task 'monitor_system'/)]);
    expect((await crew(['train', 'operations', '--forget', kept?.id ?? '', ...data])).code).toBe(0);
    const left = await crew(['train', 'operations', '--list', ...data]);
    expect(JSON.parse(left.stdout)).toMatchObject([{ text: 'be brief' }]);
  });
});
