import { errorMessage, InvalidInput, Unavailable } from '../../kit/errors.ts';
import { didYouMean } from '../../kit/nearest.ts';
import { ollamaAddress, requiredKey } from '../model/create.ts';
import { type Embedder, unit } from './vector.ts';

export interface EmbedderOptions {
  /** `OPENAI_API_KEY`, `OPENAI_BASE_URL`, `OLLAMA_HOST`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Folder that a model's path is relative to. Default: the working directory. */
  readonly dir?: string | undefined;
  /** One request, ms. Default 60,000. */
  readonly timeoutMs?: number | undefined;
}

const PROVIDERS = ['openai', 'ollama', 'onnx'] as const;
/** Texts of one request. */
const BATCH = 64;

/**
 * Makes an embedder by name: `openai:NAME`, `ollama:NAME`, or `onnx:FOLDER` with a sentence-transformer's `model.onnx`
 * and `vocab.txt` or `tokenizer.json`. Packages are loaded only now. Throws InvalidInput for an unknown provider, a missing key or a folder
 * without these files, Unsupported where `onnxruntime-node` is not installed.
 */
export async function createEmbedder(name: string, options: EmbedderOptions): Promise<Embedder> {
  const split = name.indexOf(':');
  const provider = split < 0 ? name : name.slice(0, split);
  const model = split < 0 ? '' : name.slice(split + 1);
  if (!PROVIDERS.some((known) => known === provider)) {
    throw new InvalidInput(
      `embedder '${name}' has no known provider${didYouMean(provider, [...PROVIDERS])}: ` +
        'use openai:NAME, ollama:NAME or onnx:FOLDER',
    );
  }
  if (model === '') throw new InvalidInput(`embedder '${name}' names no model: write ${provider}:NAME`);
  if (provider === 'onnx') {
    const { openOnnxEmbedder } = await import('./onnx.ts');
    return openOnnxEmbedder(name, model, options.dir ?? process.cwd());
  }
  return provider === 'openai' ? openAi(name, model, options) : ollama(name, model, options);
}

async function openAi(name: string, model: string, { env, timeoutMs = 60_000 }: EmbedderOptions): Promise<Embedder> {
  const apiKey = requiredKey(env, 'OPENAI_API_KEY', model);
  const { OpenAIEmbeddings } = await import('@langchain/openai');
  const baseURL = env['OPENAI_BASE_URL'];
  const client = new OpenAIEmbeddings({
    model,
    apiKey,
    maxRetries: 1,
    batchSize: BATCH,
    timeout: timeoutMs,
    // Servers that speak the protocol often give numbers whatever is asked; base64 would be read into nothing.
    encodingFormat: 'float',
    configuration: { ...(baseURL === undefined ? {} : { baseURL }), maxRetries: 0 },
  });
  return remote(name, (texts) => client.embedDocuments(texts));
}

async function ollama(name: string, model: string, { env }: EmbedderOptions): Promise<Embedder> {
  const { OllamaEmbeddings } = await import('@langchain/ollama');
  const client = new OllamaEmbeddings({ model, baseUrl: ollamaAddress(env['OLLAMA_HOST']), maxRetries: 1 });
  return remote(name, (texts) => client.embedDocuments(texts));
}

function remote(name: string, ask: (texts: string[]) => Promise<number[][]>): Embedder {
  return {
    name,
    async embed(texts, signal) {
      const vectors: Float32Array[] = [];
      for (let at = 0; at < texts.length; at += BATCH) {
        signal?.throwIfAborted();
        const part = texts.slice(at, at + BATCH);
        let given: number[][];
        try {
          given = await ask([...part]);
        } catch (error) {
          throw new Unavailable(`embedder ${name} did not answer: ${errorMessage(error)}`, { cause: error });
        }
        if (given.some((vector) => vector.length === 0)) throw new Unavailable(`embedder ${name} gave an empty vector`);
        if (given.length !== part.length)
          throw new Unavailable(`embedder ${name} gave ${given.length} vectors for ${part.length} texts`);
        vectors.push(...given.map((vector) => unit(Float32Array.from(vector))));
      }
      return vectors;
    },
  };
}
