import { createHash } from 'node:crypto';
import { InvalidInput } from '../../kit/errors.ts';
import { didYouMean } from '../../kit/nearest.ts';
import type { Playbook } from '../playbook.ts';
import type { CrewModel, ModelEndpoint } from './model.ts';
import { modelName } from './name.ts';

export interface CreateModelOptions {
  /** Where keys and base addresses are read: `OPENAI_API_KEY`, `OPENAI_BASE_URL`, `ANTHROPIC_API_KEY`, `ANTHROPIC_BASE_URL`, `OLLAMA_HOST`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly options?:
    | { readonly temperature?: number | null | undefined; readonly maxTokens?: number | null | undefined }
    | undefined;
  /** The policy that the model `playbook` follows. */
  readonly playbook?: Playbook | undefined;
}

const PROVIDERS = ['openai', 'anthropic', 'ollama'] as const;

/**
 * Makes a model by name: `openai:NAME`, `anthropic:NAME`, `ollama:NAME` or `playbook`, also as CrewAI writes
 * it (`openai/NAME`, `gpt-4o`). The provider's package is loaded only now. Retries and time-outs are the chain's, so the client's own are off.
 * Throws InvalidInput for an unknown provider and for a missing key, naming the variable.
 */
export async function createModel(written: string, options: CreateModelOptions): Promise<CrewModel> {
  const name = modelName(written);
  if (name === 'playbook') {
    if (options.playbook === undefined)
      throw new InvalidInput('the crew has no playbook.ts: name a model, as in --model openai:…');
    const { PlaybookModel } = await import('./playbook-model.ts');
    return { name, source: 'playbook', chat: new PlaybookModel(options.playbook) };
  }
  const split = name.indexOf(':');
  const provider = split < 0 ? name : name.slice(0, split);
  const model = split < 0 ? '' : name.slice(split + 1);
  if (!PROVIDERS.some((p) => p === provider)) {
    throw new InvalidInput(
      `model '${name}' has no known provider${didYouMean(provider, [...PROVIDERS, 'playbook'])}: ` +
        'use openai:NAME, anthropic:NAME, ollama:NAME or playbook',
    );
  }
  if (model === '') throw new InvalidInput(`model '${name}' names no model: write ${provider}:NAME`);
  const structured = STRUCTURED[provider];
  const chat = await createChat(provider, model, options);
  const maxOutputTokens = options.options?.maxTokens ?? undefined;
  return {
    name,
    source: 'llm',
    chat,
    endpoint: endpointOf(provider, options.env),
    ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
    ...(structured === undefined ? {} : { structured }),
  };
}

/** Variables that hold a provider's address and key. */
const VARIABLES: Readonly<Record<string, { readonly address: string; readonly key: string | null }>> = {
  openai: { address: 'OPENAI_BASE_URL', key: 'OPENAI_API_KEY' },
  anthropic: { address: 'ANTHROPIC_BASE_URL', key: 'ANTHROPIC_API_KEY' },
  ollama: { address: 'OLLAMA_HOST', key: null },
};
const STANDARD = /^https:\/\/api\.(openai|anthropic)\.com(\/|$)/;

function endpointOf(provider: string, env: CreateModelOptions['env']): ModelEndpoint {
  const variables = VARIABLES[provider];
  const given = variables === undefined ? undefined : env[variables.address];
  const key = variables?.key === undefined || variables.key === null ? '' : (env[variables.key] ?? '');
  const hash = createHash('sha256')
    .update(`${provider}\n${given ?? ''}\n${key}`)
    .digest('hex');
  const standard = provider !== 'ollama' && (given === undefined || STANDARD.test(given));
  return { provider, id: `${provider}-${hash.slice(0, 16)}`, standard };
}

/** How a provider is asked to hold an answer to a schema. Anthropic has no such option: there the prompt asks. */
const STRUCTURED: Readonly<Record<string, CrewModel['structured']>> = {
  openai: (schema) => ({
    response_format: { type: 'json_schema', json_schema: { name: 'answer', schema, strict: false } },
  }),
  ollama: (schema) => ({ format: schema }),
};

async function createChat(
  provider: string,
  model: string,
  { env, options }: CreateModelOptions,
): Promise<CrewModel['chat']> {
  const temperature = options?.temperature ?? undefined;
  const maxTokens = options?.maxTokens ?? undefined;
  const sampling = {
    ...(temperature === undefined ? {} : { temperature }),
    ...(maxTokens === undefined ? {} : { maxTokens }),
  };
  switch (provider) {
    case 'openai': {
      const apiKey = requiredKey(env, 'OPENAI_API_KEY', model);
      const { ChatOpenAI } = await import('@langchain/openai');
      const baseURL = env['OPENAI_BASE_URL'];
      return new ChatOpenAI({
        model,
        apiKey,
        maxRetries: 0,
        ...sampling,
        configuration: { ...(baseURL === undefined ? {} : { baseURL }), maxRetries: 0 },
      });
    }
    case 'anthropic': {
      const apiKey = requiredKey(env, 'ANTHROPIC_API_KEY', model);
      const { ChatAnthropic } = await import('@langchain/anthropic');
      const baseURL = env['ANTHROPIC_BASE_URL'];
      return new ChatAnthropic({
        model,
        apiKey,
        maxRetries: 0,
        ...sampling,
        ...(baseURL === undefined ? {} : { anthropicApiUrl: baseURL }),
        clientOptions: { maxRetries: 0 },
      });
    }
    default: {
      const { ChatOllama } = await import('@langchain/ollama');
      return new ChatOllama({
        model,
        baseUrl: ollamaAddress(env['OLLAMA_HOST']),
        maxRetries: 0,
        ...(temperature === undefined ? {} : { temperature }),
        ...(maxTokens === undefined ? {} : { numPredict: maxTokens }),
      });
    }
  }
}

/** The value of a variable that must be there. Throws InvalidInput that names it. */
export function requiredKey(env: CreateModelOptions['env'], variable: string, model: string): string {
  const key = env[variable];
  if (key === undefined || key.trim() === '') {
    throw new InvalidInput(`model ${model} needs the environment variable ${variable}, which is not set`);
  }
  return key;
}

/** As Ollama reads it: an address, or host and port without a scheme. */
export function ollamaAddress(host: string | undefined): string {
  if (host === undefined || host.trim() === '') return 'http://127.0.0.1:11434';
  return /^https?:\/\//.test(host) ? host : `http://${host}`;
}
