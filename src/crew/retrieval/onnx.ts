import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { InvalidInput, Unsupported } from '../../kit/errors.ts';
import { type Embedder, unit } from './vector.ts';
import { readTokenizer, type Tokenize } from './wordpiece.ts';

/** The part of `onnxruntime-node` that is used. */
interface Runtime {
  readonly InferenceSession: { create(path: string): Promise<Session> };
  readonly Tensor: new (type: 'int64', data: BigInt64Array, dims: readonly number[]) => Tensor;
}
interface Session {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  run(feeds: Readonly<Record<string, Tensor>>): Promise<Readonly<Record<string, Tensor>>>;
}
interface Tensor {
  readonly data: unknown;
  readonly dims: readonly number[];
}

const PACKAGE = 'onnxruntime-node';
/** Sentence-transformers are trained on at most so many. */
const MAX_TOKENS = 256;
const BATCH = 16;

/**
 * A sentence-transformer of the BERT family in a folder: `model.onnx` (or `onnx/model.onnx`) and its vocabulary. The
 * vector is the mean of the last layer over the tokens. Throws InvalidInput for a folder without these files,
 * Unsupported without the package.
 */
export async function openOnnxEmbedder(name: string, model: string, dir: string): Promise<Embedder> {
  const folder = resolve(dir, model);
  const file = [join(folder, 'model.onnx'), join(folder, 'onnx', 'model.onnx')].find((path) => existsSync(path));
  if (file === undefined) throw new InvalidInput(`embedder ${name}: there is no model.onnx in ${folder}`);
  const tokenize = readTokenizer(folder);
  const runtime = await loadRuntime(name);
  const session = await runtime.InferenceSession.create(file);
  return {
    name,
    async embed(texts, signal) {
      const vectors: Float32Array[] = [];
      for (let at = 0; at < texts.length; at += BATCH) {
        signal?.throwIfAborted();
        vectors.push(...(await embedBatch(runtime, session, tokenize, texts.slice(at, at + BATCH))));
      }
      return vectors;
    },
  };
}

async function loadRuntime(name: string): Promise<Runtime> {
  try {
    const loaded = (await import(/* @vite-ignore */ PACKAGE)) as Runtime & { readonly default?: Runtime };
    return loaded.default ?? loaded;
  } catch (error) {
    throw new Unsupported(
      `embedder ${name} needs the package ${PACKAGE}: ONNXRUNTIME_NODE_INSTALL=skip npm install ${PACKAGE}`,
      { cause: error },
    );
  }
}

async function embedBatch(
  runtime: Runtime,
  session: Session,
  tokenize: Tokenize,
  texts: readonly string[],
): Promise<readonly Float32Array[]> {
  const tokens = texts.map((text) => tokenize(text, MAX_TOKENS));
  const width = Math.max(...tokens.map((ids) => ids.length));
  const shape = [texts.length, width];
  const filled = (value: (row: readonly number[], at: number) => number): Tensor => {
    const data = new BigInt64Array(texts.length * width);
    tokens.forEach((row, i) => {
      for (let at = 0; at < width; at++) data[i * width + at] = BigInt(value(row, at));
    });
    return new runtime.Tensor('int64', data, shape);
  };
  const given: Readonly<Record<string, Tensor>> = {
    input_ids: filled((row, at) => row[at] ?? 0),
    attention_mask: filled((row, at) => (at < row.length ? 1 : 0)),
    token_type_ids: filled(() => 0),
  };
  const feeds = Object.fromEntries(
    session.inputNames.map((input) => {
      const tensor = given[input];
      if (tensor === undefined) throw new Unsupported(`the model asks for '${input}': it is no sentence-transformer`);
      return [input, tensor] as const;
    }),
  );
  const output = (await session.run(feeds))[session.outputNames[0] ?? ''];
  if (!(output?.data instanceof Float32Array)) throw new Unsupported('the model gives no vectors of 32-bit floats');
  const { data, dims } = output;
  return tokens.map((row, i) => pooled(data, dims, i, row.length));
}

/** The mean over a text's tokens; a model that pools itself gives two dimensions, and its row is taken as it is. */
function pooled(data: Float32Array, dims: readonly number[], row: number, tokens: number): Float32Array {
  const size = dims.at(-1) ?? 0;
  if (dims.length === 2) return unit(data.slice(row * size, (row + 1) * size));
  const width = dims[1] ?? 0;
  const sum = new Float32Array(size);
  for (let token = 0; token < tokens; token++) {
    const from = (row * width + token) * size;
    for (let i = 0; i < size; i++) sum[i] = (sum[i] ?? 0) + (data[from + i] ?? 0);
  }
  return unit(sum);
}
