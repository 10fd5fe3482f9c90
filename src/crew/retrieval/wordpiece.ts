import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { InvalidInput } from '../../kit/errors.ts';

/** The tokens of a text as a BERT model takes them, `[CLS]` and `[SEP]` included. */
export type Tokenize = (text: string, maxTokens: number) => readonly number[];

const LONGEST_WORD = 100;

const TokenizerFile = z.object({ model: z.object({ vocab: z.record(z.string(), z.number().int().nonnegative()) }) });

/**
 * Reads `vocab.txt` (a token a line) or the vocabulary of `tokenizer.json` of a folder. Throws InvalidInput when there
 * is neither or it lacks BERT's tokens.
 */
export function readTokenizer(dir: string): Tokenize {
  const vocabulary = readVocabulary(dir);
  const special = (token: string): number => {
    const id = vocabulary.get(token);
    if (id === undefined) throw new InvalidInput(`the vocabulary in ${dir} has no ${token}: it is not a BERT model's`);
    return id;
  };
  const [start, end, unknown] = [special('[CLS]'), special('[SEP]'), special('[UNK]')];
  return (text, maxTokens) => {
    const ids = [start];
    for (const word of basicTokens(text)) {
      if (ids.length >= maxTokens - 1) break;
      ids.push(...piecesOf(word, vocabulary, unknown));
    }
    return [...ids.slice(0, maxTokens - 1), end];
  };
}

function readVocabulary(dir: string): ReadonlyMap<string, number> {
  const text = join(dir, 'vocab.txt');
  if (existsSync(text)) {
    const lines = readFileSync(text, 'utf8').split(/\r?\n/);
    return new Map(lines.map((token, id) => [token, id] as const).filter(([token]) => token !== ''));
  }
  const json = join(dir, 'tokenizer.json');
  if (!existsSync(json)) throw new InvalidInput(`${dir} has neither vocab.txt nor tokenizer.json`);
  const parsed = TokenizerFile.safeParse(JSON.parse(readFileSync(json, 'utf8')));
  if (!parsed.success) throw new InvalidInput(`${json} holds no WordPiece vocabulary`);
  return new Map(Object.entries(parsed.data.model.vocab));
}

/** Words and single marks in small letters without accents, as BERT's uncased models are trained on. */
function basicTokens(text: string): readonly string[] {
  const plain = text
    .toLowerCase()
    .normalize('NFD')
    .replaceAll(/\p{Mn}/gu, '');
  return plain.match(/\p{Script=Han}|[\p{P}\p{S}]|[^\s\p{P}\p{S}\p{Script=Han}\p{C}]+/gu) ?? [];
}

/** The longest known beginning, then the longest known `##` continuation, and so on; one unknown token else. */
function piecesOf(word: string, vocabulary: ReadonlyMap<string, number>, unknown: number): readonly number[] {
  const characters = Array.from(word);
  if (characters.length > LONGEST_WORD) return [unknown];
  const pieces: number[] = [];
  for (let from = 0; from < characters.length; ) {
    let to = characters.length;
    let id: number | undefined;
    while (to > from) {
      const piece = `${from === 0 ? '' : '##'}${characters.slice(from, to).join('')}`;
      id = vocabulary.get(piece);
      if (id !== undefined) break;
      to--;
    }
    if (id === undefined) return [unknown];
    pieces.push(id);
    from = to;
  }
  return pieces;
}
