import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createEmbedder } from '../../../src/crew/retrieval/embedder.ts';
import { cosine, unit } from '../../../src/crew/retrieval/vector.ts';
import { readTokenizer } from '../../../src/crew/retrieval/wordpiece.ts';
import { Unavailable } from '../../../src/kit/errors.ts';

interface Asked {
  readonly path: string;
  readonly key: string | undefined;
  readonly body: { readonly model?: string; readonly input?: readonly string[] };
}

/** A provider on loopback: vectors (3, 4), then (0, 2), and so on in turn. */
async function provider(answer: (asked: Asked) => { readonly status?: number; readonly body: unknown }) {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      const one = {
        path: request.url ?? '',
        key: request.headers.authorization,
        body: JSON.parse(text) as Asked['body'],
      };
      asked.push(one);
      const { status = 200, body } = answer(one);
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return {
    asked,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const plain = (vectors: readonly Float32Array[]): number[][] =>
  vectors.map((vector) => [...vector].map((x) => Math.round(x * 1000) / 1000));

describe('embedders on the wire', () => {
  it('ask OpenAI, or any address that speaks its protocol, and give vectors of length 1', async () => {
    await using stub = await provider(({ body }) => ({
      body: {
        object: 'list',
        model: body.model,
        data: body.input?.map((_, index) => ({
          object: 'embedding',
          index,
          embedding: index % 2 === 0 ? [3, 4] : [0, 2],
        })),
        usage: { prompt_tokens: 1, total_tokens: 1 },
      },
    }));
    const env = { OPENAI_API_KEY: 'sk-test', OPENAI_BASE_URL: `${stub.url}/v1` };
    const embedder = await createEmbedder('openai:text-embedding-3-small', { env });
    expect(plain(await embedder.embed(['a', 'b']))).toEqual([
      [0.6, 0.8],
      [0, 1],
    ]);
    expect(stub.asked).toMatchObject([
      { path: '/v1/embeddings', key: 'Bearer sk-test', body: { model: 'text-embedding-3-small', input: ['a', 'b'] } },
    ]);
    expect(await embedder.embed(Array.from({ length: 70 }, (_, i) => `text ${i}`))).toHaveLength(70);
    expect(stub.asked.map(({ body }) => body.input?.length)).toEqual([2, 64, 6]);
  });

  it('ask Ollama', async () => {
    await using stub = await provider(({ body }) => ({
      body: { model: body.model, embeddings: body.input?.map(() => [0, 5]) },
    }));
    const embedder = await createEmbedder('ollama:nomic-embed-text', { env: { OLLAMA_HOST: stub.url } });
    expect(plain(await embedder.embed(['a', 'b']))).toEqual([
      [0, 1],
      [0, 1],
    ]);
    expect(stub.asked[0]).toMatchObject({ path: '/api/embed', body: { model: 'nomic-embed-text', input: ['a', 'b'] } });
  });

  it('fail with what the provider said', async () => {
    await using stub = await provider(() => ({ status: 401, body: { error: { message: 'bad key' } } }));
    const env = { OPENAI_API_KEY: 'sk-test', OPENAI_BASE_URL: `${stub.url}/v1` };
    const embedder = await createEmbedder('openai:x', { env });
    const failure: unknown = await embedder.embed(['a']).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(Unavailable);
    expect(String(failure)).toMatch(/embedder openai:x did not answer: .*bad key/);
    expect(String(failure)).not.toContain('sk-test');
    expect(stub.asked).toHaveLength(1);
  });

  it('are refused by name, key and folder before anything is asked', async () => {
    const make = (name: string) => createEmbedder(name, { env: {} });
    await expect(make('opnai:x')).rejects.toThrow("embedder 'opnai:x' has no known provider (did you mean openai?)");
    await expect(make('ollama')).rejects.toThrow('names no model');
    await expect(make('openai:x')).rejects.toThrow('OPENAI_API_KEY, which is not set');
    await expect(make('onnx:no-such-folder')).rejects.toThrow('there is no model.onnx in');
  });
});

describe('a BERT tokenizer', () => {
  const tokens = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', 'fund', '##ing', 'rate', 'cafe', '.', '##s', '费'];
  const dir = mkdtempSync(join(tmpdir(), 'crew-vocab-'));

  it('takes the longest pieces, small letters without accents, marks and Han characters alone', () => {
    writeFileSync(join(dir, 'vocab.txt'), `${tokens.join('\n')}\n`);
    const tokenize = readTokenizer(dir);
    const words = (text: string, most = 64): readonly (string | undefined)[] =>
      tokenize(text, most).map((id) => tokens[id]);
    expect(words('Funding rates.')).toEqual(['[CLS]', 'fund', '##ing', 'rate', '##s', '.', '[SEP]']);
    expect(words('CAFÉ 费费 zzz')).toEqual(['[CLS]', 'cafe', '费', '费', '[UNK]', '[SEP]']);
    expect(words('funding funding funding', 4)).toEqual(['[CLS]', 'fund', '##ing', '[SEP]']);
    expect(words('')).toEqual(['[CLS]', '[SEP]']);
  });

  it('reads tokenizer.json too, and says what a folder lacks', () => {
    const other = mkdtempSync(join(tmpdir(), 'crew-vocab-'));
    expect(() => readTokenizer(other)).toThrow('has neither vocab.txt nor tokenizer.json');
    writeFileSync(join(other, 'tokenizer.json'), JSON.stringify({ model: { vocab: { a: 0 } } }));
    expect(() => readTokenizer(other)).toThrow('has no [CLS]');
    const vocab = Object.fromEntries(tokens.map((token, id) => [token, id]));
    writeFileSync(join(other, 'tokenizer.json'), JSON.stringify({ model: { vocab } }));
    expect(readTokenizer(other)('rate', 9)).toEqual([2, 6, 3]);
    rmSync(other, { recursive: true });
    rmSync(dir, { recursive: true });
  });
});

describe('vectors', () => {
  it('are as alike as their angle', () => {
    expect(cosine(unit(Float32Array.from([2, 0])), unit(Float32Array.from([1, 1])))).toBeCloseTo(Math.SQRT1_2, 6);
    expect(cosine(Float32Array.from([1]), Float32Array.from([1, 0]))).toBe(0);
    expect([...unit(new Float32Array(2))]).toEqual([0, 0]);
    expect(() => unit(Float32Array.from([Number.NaN]))).toThrow(Unavailable);
  });
});
