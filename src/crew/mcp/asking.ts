import type { Client } from '@modelcontextprotocol/client';
import type { Logger } from '../../kit/logger.ts';
import type { ForeignAnswers } from './contract.ts';
import { boundedText } from './result.ts';

const MAX_MESSAGE = 4000;
const MAX_TOKENS = 4096;
const MAX_MESSAGES = 50;

/** Answers what a server asks while it works: forms go to a person, or are declined; samples only where allowed. */
export function serveAsking(
  client: Client,
  options: { readonly id: string; readonly answers: ForeignAnswers; readonly log: Logger },
): void {
  const { id, answers, log } = options;
  client.setRequestHandler('elicitation/create', async ({ params }, { mcpReq }) => {
    const { elicit } = answers;
    if (elicit === undefined) {
      log.info('mcp.elicitation_declined', { server: id, reason: 'nobody is there to ask' });
      return { action: 'decline' };
    }
    const form = 'requestedSchema' in params;
    const { action, content } = await elicit(
      {
        server: id,
        message: boundedText(params.message, MAX_MESSAGE),
        schema: form ? { ...params.requestedSchema } : null,
        url: form ? null : params.url,
      },
      mcpReq.signal,
    );
    return { action, ...(content === undefined ? {} : { content: { ...content } }) };
  });
  const { sample } = answers;
  if (sample === undefined) return;
  client.setRequestHandler('sampling/createMessage', async ({ params }, { mcpReq }) => {
    const messages = params.messages.slice(-MAX_MESSAGES).map(({ role, content }) => {
      const first = Array.isArray(content) ? content[0] : content;
      return { role, text: first?.type === 'text' ? first.text : '' };
    });
    const { text, model } = await sample(
      { server: id, system: params.systemPrompt ?? null, messages, maxTokens: Math.min(params.maxTokens, MAX_TOKENS) },
      mcpReq.signal,
    );
    return { role: 'assistant', model, content: { type: 'text', text } };
  });
}
