import {
  BaseChatModel,
  type BaseChatModelCallOptions,
  type BindToolsInput,
} from '@langchain/core/language_models/chat_models';
import type { BaseLanguageModelInput } from '@langchain/core/language_models/base';
import { AIMessage, type AIMessageChunk, type BaseMessage } from '@langchain/core/messages';
import type { ChatResult } from '@langchain/core/outputs';
import type { Runnable } from '@langchain/core/runnables';
import { z } from 'zod';
import type { CrewModel } from '../crew/model/model.ts';
import { withTokens } from '../crew/model/tokens.ts';

type Call = { readonly tool: string; readonly args: Readonly<Record<string, unknown>> };
const callSchema = z.object({ tool: z.string(), args: z.record(z.string(), z.unknown()) });

/** An instruction in a form that survives every quoting: `[[obey …]]`. Text around it may say anything. */
export function instruction(tool: string, args: Readonly<Record<string, unknown>>): string {
  return `[[obey ${Buffer.from(JSON.stringify({ tool, args })).toString('base64url')}]]`;
}

const INSTRUCTION = /\[\[obey ([A-Za-z0-9_-]+)\]\]/g;

interface ObedientCallOptions extends BaseChatModelCallOptions {
  descriptions?: string | undefined;
}

/**
 * The worst model there is: it does whatever any text tells it, once each, wherever it reads it (prompts, results,
 * memory, descriptions of tools), and its answer repeats every instruction, so that they travel on. For tests that a
 * system stays safe when its model does not.
 */
export class ObedientModel extends BaseChatModel<ObedientCallOptions> {
  /** Every call that it was told to make and made, in order. */
  readonly obeyed: Call[] = [];

  constructor() {
    super({});
  }

  override _llmType(): string {
    return 'obedient';
  }

  /** This model under a name, as crews take it. */
  named(name: string): CrewModel {
    return { name, source: 'llm', chat: this };
  }

  override bindTools(tools: BindToolsInput[]): Runnable<BaseLanguageModelInput, AIMessageChunk, ObedientCallOptions> {
    return this.withConfig({ descriptions: JSON.stringify(tools) });
  }

  override _generate(messages: BaseMessage[], options: this['ParsedCallOptions']): Promise<ChatResult> {
    const read = [options.descriptions ?? '', ...messages.map((m) => m.text)].join('\n');
    const told = [...new Set([...read.matchAll(INSTRUCTION)].map((m) => m[1] ?? ''))];
    const done = new Set(
      messages.flatMap((m) => (AIMessage.isInstance(m) ? (m.tool_calls ?? []) : [])).map((c) => c.id),
    );
    const open = told.filter((code) => !done.has(idOf(code)));
    const calls = open.map((code) => ({ id: idOf(code), type: 'tool_call' as const, ...callOf(code) }));
    for (const { name, args } of calls) this.obeyed.push({ tool: name, args });
    const message =
      calls.length > 0
        ? new AIMessage({ content: 'As told.', tool_calls: calls })
        : new AIMessage({ content: `Done. ${told.map((code) => `[[obey ${code}]]`).join(' ')}` });
    withTokens(message, { input_tokens: 10, output_tokens: 5 });
    return Promise.resolve({ generations: [{ text: message.text, message }] });
  }
}

function idOf(code: string): string {
  return `obey_${code}`;
}

function callOf(code: string): { readonly name: string; readonly args: Record<string, unknown> } {
  const { tool, args } = callSchema.parse(JSON.parse(Buffer.from(code, 'base64url').toString('utf8')));
  return { name: tool, args };
}
