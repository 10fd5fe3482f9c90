import { existsSync, readdirSync, statSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { extname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { parse } from 'yaml';
import { errorMessage, InvalidInput } from '../../kit/errors.ts';
import { csvPassages, markdownPassages, pagePassages, type Passage, textPassages, valuePassages } from './passages.ts';

/** Formats by the end of a file's name. */
const READERS: Readonly<Record<string, (bytes: Uint8Array) => Promise<readonly Passage[]>>> = {
  '.txt': (bytes) => Promise.resolve(textPassages(textOf(bytes))),
  '.md': (bytes) => Promise.resolve(markdownPassages(textOf(bytes))),
  '.markdown': (bytes) => Promise.resolve(markdownPassages(textOf(bytes))),
  '.csv': (bytes) => Promise.resolve(csvPassages(textOf(bytes))),
  '.json': (bytes) => Promise.resolve(valuePassages(JSON.parse(textOf(bytes)))),
  '.yaml': (bytes) => Promise.resolve(valuePassages(parse(textOf(bytes)))),
  '.yml': (bytes) => Promise.resolve(valuePassages(parse(textOf(bytes)))),
  '.pdf': async (bytes) => pagePassages(await pdfPages(bytes)),
};
export const FORMATS = Object.keys(READERS);

const FILE_LIMIT = 20 * 1024 * 1024;
const FILES_LIMIT = 1000;

/** A web page, or a file or folder. */
export type SourcePlace =
  | { readonly kind: 'web'; readonly url: string }
  | { readonly kind: 'files'; readonly path: string };

/**
 * Where a source is: a web address as it is; a path below the configuration folder, or below its `knowledge/`. A text
 * is what is wrong with it.
 */
export function placeOf(dir: string, source: string): SourcePlace | string {
  if (/^https?:\/\//i.test(source)) {
    return URL.canParse(source) ? { kind: 'web', url: source } : `'${source}' is not a web address`;
  }
  const path = [resolve(dir, source), join(dir, 'knowledge', source)].find((p) => existsSync(p));
  if (path === undefined) return `there is no ${source} and no knowledge/${source}`;
  if (statSync(path).isDirectory()) {
    return filesOf(path).length === 0 ? `${source} holds no file that can be read: ${FORMATS.join(', ')}` : files(path);
  }
  return FORMATS.includes(extname(path).toLowerCase())
    ? files(path)
    : `${source} cannot be read: it is none of ${FORMATS.join(', ')}`;
}

function files(path: string): SourcePlace {
  return { kind: 'files', path };
}

/** Files of a source that can be read, in order; the file itself when it is one. Links are not followed out of a folder. */
export function filesOf(path: string): readonly string[] {
  if (!existsSync(path)) return [];
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && FORMATS.includes(extname(entry.name).toLowerCase()))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .slice(0, FILES_LIMIT);
}

/** The name that a file is cited by: its path below the configuration folder, else whole. */
export function citedName(dir: string, file: string): string {
  const inside = relative(dir, file);
  return inside.startsWith('..') || isAbsolute(inside) ? file : inside.split(sep).join('/');
}

/** Tells whether a file is as it was. */
export async function fileStamp(path: string): Promise<string> {
  const { mtimeMs, size } = await stat(path);
  return `${mtimeMs} ${size}`;
}

/** Reads a file into passages. Throws InvalidInput for one that is too large or not what its name says. */
export async function readPassages(path: string): Promise<readonly Passage[]> {
  const { size } = await stat(path);
  if (size > FILE_LIMIT) throw new InvalidInput(`${path} has ${size} bytes, more than the ${FILE_LIMIT} of a source`);
  const read = READERS[extname(path).toLowerCase()];
  if (read === undefined) throw new InvalidInput(`${path} is none of ${FORMATS.join(', ')}`);
  try {
    return await read(await readFile(path));
  } catch (error) {
    throw new InvalidInput(`${path} cannot be read as ${extname(path)}: ${errorMessage(error)}`, { cause: error });
  }
}

/** UTF-8, without the mark that some programs put first. Throws for bytes that are no text. */
function textOf(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
}

async function pdfPages(bytes: Uint8Array): Promise<readonly string[]> {
  const { extractText } = await import('unpdf');
  // It keeps the array's memory for itself, so it gets a copy.
  const { text } = await extractText(new Uint8Array(bytes), { mergePages: false });
  return text;
}
