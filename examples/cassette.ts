/** Answers of a model, recorded once and played again: a test takes the real conversation without a key or a network. */
import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CrewModel, defineAgent, defineCrew, defineTask } from 'orderflow-crew/crew';
import { Cassette, ScriptedModel } from 'orderflow-crew/testing';

const path = join(mkdtempSync(join(tmpdir(), 'cassettes-')), 'news.json');

async function ask(llm: CrewModel, topic: string): Promise<string> {
  const agent = defineAgent({ id: 'a', role: 'Writer', goal: 'Write', backstory: 'Brief.', max_retry_limit: 0, llm });
  const fields = { expected_output: 'A sentence.', agent, max_retries: 0 };
  const news = defineCrew({
    id: 'news',
    tasks: [defineTask({ id: 'tell', description: 'News of {topic}.', ...fields })],
  });
  const { status, document } = await news.kickoff({ topic });
  return status === 'completed' ? String(document.output) : String(document.error);
}

// In the place of a provider's: await createModel('openai:gpt-5-mini', { env: process.env }).
const real = new ScriptedModel([
  { expect: (messages) => assert.match(messages.at(-1)?.text ?? '', /News of gold/), text: 'Gold rose.' },
]);
const recording = new Cassette({ path, mode: 'record', env: {} });
console.log(`recorded: ${await ask(recording.model(real.named('m')), 'gold')}`);
real.assertUsed();

const nobody = new ScriptedModel([]).named('m'); // replaying asks no model
const replay = new Cassette({ path, mode: 'replay', env: {} });
console.log(`replayed: ${await ask(replay.model(nobody), 'gold')}`);
replay.assertUsed();

// A question that is not on it fails with what differs from the nearest one that is.
const other = new Cassette({ path, mode: 'replay', env: {} });
await ask(other.model(nobody), 'tin');
assert.throws(() => other.assertUsed(), /News of gold[^]*News of tin/);
console.log('another question: not on it');
