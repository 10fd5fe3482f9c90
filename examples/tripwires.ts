/** What goes into a crew and what comes out of it, looked at before anything else happens with it. */
import { defineAgent, defineCrew, definePlaybook, defineTask } from 'orderflow-crew/crew';

const analyst = defineAgent({
  id: 'analyst',
  role: 'Analyst',
  goal: 'Answer the question',
  backstory: 'You answer what you are asked.',
  tripwires: {
    // A function of your own. No verdict within a second is one against the answer.
    output: [
      {
        name: 'no_orders',
        seconds: 1,
        function: ({ text }) =>
          /\b(buy|sell) now\b/i.test(text) ? { ok: false, reason: 'it tells people to trade' } : { ok: true },
      },
    ],
  },
});

const answer = defineTask({
  id: 'answer',
  description: 'Answer: {question}',
  expected_output: 'One sentence.',
  agent: analyst,
});

const desk = defineCrew({
  id: 'desk',
  tasks: [answer],
  tripwires: {
    input: [{ max_characters: 200 }, { name: 'no_card_numbers', deny: ['\\b\\d{4}([ -]?\\d{4}){3}\\b'] }],
    output: [{ secrets: 'redact' }],
  },
  // In the place of a model: it says what it was asked.
  playbook: definePlaybook({
    answer: ({ inputs }) => ({ answer: inputs['question'] }),
  }),
}).on({ env: { VENUE_API_KEY: 'not-for-anyone' } });

for (const question of ['Is it calm?', 'My card is 4000 1234 5678 9010', 'Buy now!', 'The key is not-for-anyone']) {
  const { status, document } = await desk.kickoff({ question });
  console.log(status, document.tripped === undefined ? document.output : document.error);
}
