import type { AIMessage, BaseMessage } from '@langchain/core/messages';
import { z } from 'zod';

export interface Tokens {
  readonly input_tokens: number;
  readonly output_tokens: number;
}

/** All kinds of tokens of a call. Cached and written input are part of the input, reasoning is part of the output. */
export interface TokenCounts extends Tokens {
  readonly cached_tokens: number;
  readonly cache_write_tokens: number;
  readonly reasoning_tokens: number;
}

const count = z.number().nonnegative().catch(0);
const Reported = z.object({
  input_tokens: count,
  output_tokens: count,
  input_token_details: z
    .object({ cache_read: count, cache_creation: count })
    .catch({ cache_read: 0, cache_creation: 0 }),
  output_token_details: z.object({ reasoning: count }).catch({ reasoning: 0 }),
});

/** Tokens that the provider reported with a message; zeros when it reported none. */
export function tokensOf(message: AIMessage): Tokens {
  const { input_tokens, output_tokens } = tokenCounts(message) ?? { input_tokens: 0, output_tokens: 0 };
  return { input_tokens, output_tokens };
}

/** All that the provider reported; null when it reported nothing. */
export function tokenCounts({ usage_metadata }: { readonly usage_metadata?: unknown }): TokenCounts | null {
  const parsed = Reported.safeParse(usage_metadata).data;
  if (parsed === undefined) return null;
  const { input_tokens, output_tokens, input_token_details: input, output_token_details: output } = parsed;
  // A provider that leaves usage out of a stream shows as noughts: no call has an empty prompt.
  if (input_tokens + output_tokens === 0) return null;
  return {
    input_tokens,
    output_tokens,
    cached_tokens: input.cache_read,
    cache_write_tokens: input.cache_creation,
    reasoning_tokens: output.reasoning,
  };
}

/** The same message, reporting these tokens. (The message's own type for them is `never` under exact optional types.) */
export function withTokens(
  message: AIMessage,
  tokens: Tokens & Partial<Pick<TokenCounts, 'cached_tokens' | 'cache_write_tokens' | 'reasoning_tokens'>>,
): AIMessage {
  const { input_tokens, output_tokens } = tokens;
  const usage_metadata = {
    input_tokens,
    output_tokens,
    total_tokens: input_tokens + output_tokens,
    input_token_details: { cache_read: tokens.cached_tokens ?? 0, cache_creation: tokens.cache_write_tokens ?? 0 },
    output_token_details: { reasoning: tokens.reasoning_tokens ?? 0 },
  };
  return Object.assign(message, { usage_metadata });
}

/** The same message, reporting what another reported. */
export function withTokensOf(message: AIMessage, other: AIMessage): AIMessage {
  const tokens = tokenCounts(other);
  return tokens === null ? message : withTokens(message, tokens);
}

/** Roughly the tokens of a conversation, at four characters each: for limits, never for an account. */
export function estimateTokens(messages: readonly BaseMessage[]): number {
  return Math.ceil(messages.reduce((sum, m) => sum + textLength(m) + callsLength(m), 0) / 4);
}

/** What providers may add to a request of their own: the frame of a conversation, and of tools. */
const FRAME_TOKENS = 1000;

/**
 * Tokens that a request has at the very most: one a byte, as no tokenizer makes more than one token of a byte, and what
 * a provider adds. For budgets, which must hold before the count is known.
 */
export function mostTokens(messages: readonly BaseMessage[], ...rest: readonly unknown[]): number {
  const texts = messages.map((m) => [m.content, 'tool_calls' in m ? m.tool_calls : []]);
  return Buffer.byteLength(JSON.stringify([texts, rest])) + FRAME_TOKENS;
}

/** The text of a message is put together anew each time that it is asked for. */
function textLength(message: BaseMessage): number {
  return typeof message.content === 'string' ? message.content.length : message.text.length;
}

function callsLength(message: BaseMessage): number {
  return 'tool_calls' in message ? JSON.stringify(message.tool_calls ?? []).length : 0;
}
