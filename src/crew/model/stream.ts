import { AIMessage, AIMessageChunk, type BaseMessage } from '@langchain/core/messages';
import { Unavailable } from '../../kit/errors.ts';
import { type TokenCounts, tokenCounts, withTokens } from './tokens.ts';

/** Anything that gives an answer in pieces. */
interface Streaming {
  stream(messages: BaseMessage[], options: object): Promise<AsyncIterable<unknown>>;
}

/** Where providers say why an answer ended: OpenAI, Anthropic, Ollama. */
const ENDINGS = ['finish_reason', 'stop_reason', 'done_reason'];

/**
 * An answer as a stream: each piece of text is told as it comes, the whole is as if it had come at once. With
 * `whole: true` an answer that does not say why it ended was cut off. Throws Unavailable for that, and for no answer.
 */
export async function streamed(
  model: Streaming,
  messages: readonly BaseMessage[],
  options: object,
  given: { readonly onText: (text: string) => void; readonly whole: boolean },
): Promise<AIMessage> {
  let answer: AIMessageChunk | undefined;
  let tokens: TokenCounts | undefined;
  for await (const piece of await model.stream([...messages], options)) {
    if (!AIMessageChunk.isInstance(piece) && AIMessage.isInstance(piece)) {
      // A model that cannot stream gives its whole answer at once.
      if (piece.text !== '') given.onText(piece.text);
      return piece;
    }
    if (!AIMessageChunk.isInstance(piece)) throw new Unavailable('the model streamed something that is no message');
    tokens = most(tokens, tokenCounts(piece));
    answer = answer === undefined ? piece : answer.concat(piece);
    if (piece.text !== '') given.onText(piece.text);
  }
  if (answer === undefined) throw new Unavailable('the model streamed no answer');
  if (given.whole && !hasEnd(answer)) throw new Unavailable('the connection was cut: the answer has no end');
  const message = new AIMessage({
    content: answer.content,
    tool_calls: answer.tool_calls ?? [],
    invalid_tool_calls: answer.invalid_tool_calls ?? [],
    additional_kwargs: answer.additional_kwargs,
    response_metadata: answer.response_metadata,
  });
  return tokens === undefined ? message : withTokens(message, tokens);
}

function hasEnd(answer: AIMessageChunk): boolean {
  const said: Readonly<Record<string, unknown>> = { ...answer.additional_kwargs, ...answer.response_metadata };
  return ENDINGS.some((name) => typeof said[name] === 'string' && said[name] !== '');
}

/** Counts that come several times are those so far, each larger than the one before: adding them would count twice. */
function most(a: TokenCounts | undefined, b: TokenCounts | null): TokenCounts | undefined {
  if (a === undefined || b === null) return b ?? a;
  return {
    input_tokens: Math.max(a.input_tokens, b.input_tokens),
    output_tokens: Math.max(a.output_tokens, b.output_tokens),
    cached_tokens: Math.max(a.cached_tokens, b.cached_tokens),
    cache_write_tokens: Math.max(a.cache_write_tokens, b.cache_write_tokens),
    reasoning_tokens: Math.max(a.reasoning_tokens, b.reasoning_tokens),
  };
}
