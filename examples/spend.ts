/** Money: every model call on the account, a price with its source, and a budget that stops a run before it is spent. */
import { defineAgent, defineCrew, defineTask } from 'orderflow-crew/crew';
import { ScriptedModel } from 'orderflow-crew/testing';

// A scripted model in the place of openai:…, so that this runs without a key; each answer reports 1,000 tokens in, 100 out.
const usage = { input: 1000, output: 100 };
const model = new ScriptedModel(Array.from({ length: 3 }, () => ({ text: 'Gold rose.', usage })));

const writer = defineAgent({
  id: 'writer',
  role: 'Writer on {topic}',
  goal: 'Say what happened',
  backstory: 'You are brief.',
  llm: model.named('openai:house-model', { maxOutputTokens: 100 }),
});
const news = defineTask({ id: 'news', description: 'News on {topic}.', expected_output: 'A sentence.', agent: writer });

const desk = defineCrew({ id: 'desk', tasks: [news] }).on({
  spend: {
    // USD for a million tokens. A model without a price is refused under a budget in USD.
    prices: {
      'openai:house-model': {
        input: 2,
        output: 10,
        cached_input: null,
        cache_write: null,
        source: 'contract with the provider',
        as_of: '2026-11-29',
      },
    },
    budgets: [
      {
        name: 'daily',
        per: 'day',
        crew: 'desk',
        agent: null,
        model: null,
        usd: 0.008,
        tokens: null,
        calls: null,
        then: 'stop',
      },
    ],
  },
});

for (const topic of ['gold', 'silver', 'copper']) {
  const { status, document } = await desk.kickoff({ topic });
  console.log(
    `${topic}: ${status}, $${document.usage.cost_usd.toFixed(4)}${status === 'failed' ? `, ${document.error}` : ''}`,
  );
}
const [sum] = await desk.host.ledger.usage('model');
console.log(`${sum?.key}: ${sum?.calls} calls, ${sum?.input_tokens} tokens in, $${sum?.cost_usd.toFixed(4)}`);
