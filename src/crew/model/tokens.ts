import type { AIMessage, BaseMessage } from '@langchain/core/messages';
import { z } from 'zod';

export interface Tokens {
  readonly input_tokens: number;
  readonly output_tokens: number;
}

const Reported = z.object({ input_tokens: z.number().catch(0), output_tokens: z.number().catch(0) });

/** Tokens that the provider reported with a message; zeros when it reported none. */
export function tokensOf(message: AIMessage): Tokens {
  const metadata: unknown = message.usage_metadata;
  return Reported.safeParse(metadata).data ?? { input_tokens: 0, output_tokens: 0 };
}

/** The same message, reporting these tokens. (The message's own type for them is `never` under exact optional types.) */
export function withTokens(message: AIMessage, tokens: Tokens): AIMessage {
  const total_tokens = tokens.input_tokens + tokens.output_tokens;
  Object.assign(message, { usage_metadata: { ...tokens, total_tokens } });
  return message;
}

/** Roughly the tokens of a conversation, at four characters each: for limits, never for an account. */
export function estimateTokens(messages: readonly BaseMessage[]): number {
  return Math.ceil(messages.reduce((sum, m) => sum + m.text.length + callsLength(m), 0) / 4);
}

function callsLength(message: BaseMessage): number {
  return 'tool_calls' in message ? JSON.stringify(message.tool_calls ?? []).length : 0;
}
