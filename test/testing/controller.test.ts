import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ManualClock, openTestController, ScriptedModel } from '../../src/testing/index.ts';
import { Unavailable } from '../../src/kit/errors.ts';

/** A configuration of one agent and one task. */
function project(): string {
  const dir = mkdtempSync(join(tmpdir(), 'crew-project-'));
  writeFileSync(join(dir, 'agents.yaml'), 'writer: { role: Writer, goal: Write, backstory: You write. }\n');
  writeFileSync(
    join(dir, 'tasks.yaml'),
    'tell: { description: "Tell of {topic}.", expected_output: A sentence., agent: writer, max_retries: 0 }\n',
  );
  return dir;
}

describe('a controller for tests', { timeout: 60_000 }, () => {
  it('runs a configuration with a scripted model on a clock of its own, and leaves nothing behind', async () => {
    const model = new ScriptedModel([{ text: 'Gold is yellow.' }]);
    const clock = new ManualClock();
    let dataDir = '';
    {
      await using controller = await openTestController({ config: project(), model: model.named('m'), clock });
      ({ dataDir } = controller.facts());
      expect(existsSync(dataDir)).toBe(true);
      const [crew] = await controller.desk.crews();
      const run = await controller.kickoff(crew?.id ?? '', { topic: 'gold' });
      expect(run).toMatchObject({ status: 'completed', output: 'Gold is yellow.', mode: 'active' });
      expect(run.started_at).toBe(new Date(clock.now()).toISOString());
      expect(controller.facts().address).toBeNull();
    }
    model.assertUsed();
    expect(existsSync(dataDir)).toBe(false);
  });

  it('fails where the script does not fit: a step too many, a step unused, a step that expected something else', async () => {
    const config = project();
    const empty = new ScriptedModel([]);
    {
      await using controller = await openTestController({ config, model: empty.named('m') });
      const [crew] = await controller.desk.crews();
      expect((await controller.kickoff(crew?.id ?? '', { topic: 'gold' })).status).toBe('failed');
    }
    expect(() => empty.assertUsed()).toThrow('the script has 0 steps and was asked for one more');
    const unused = new ScriptedModel([{ text: 'a' }, { text: 'b' }]);
    const wrong = new ScriptedModel([
      {
        expect: () => {
          throw new Unavailable('another question was expected');
        },
        text: 'a',
      },
    ]);
    for (const model of [unused, wrong]) {
      await using controller = await openTestController({ config, model: model.named('m') });
      const [crew] = await controller.desk.crews();
      await controller.kickoff(crew?.id ?? '', { topic: 'gold' });
    }
    expect(() => unused.assertUsed()).toThrow('the script has 1 steps that were not used');
    expect(() => wrong.assertUsed()).toThrow('another question was expected');
  });
});
