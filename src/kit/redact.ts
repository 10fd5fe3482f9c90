import { base64Forms, readings } from './secret-forms.ts';

const SECRET_NAME = /(KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)$/;
/** Shorter values are too common to be taken out wherever they stand. */
const SHORTEST = 6;
const LONG_PART = 16;
/** So much of a secret is taken out where a text was cut in it. */
const CUT_PART = 12;
/** Keys by their looks, whoever holds them. */
const SHAPES = /\b(sk-[A-Za-z0-9_-]{16,}|Bearer\s+[A-Za-z0-9._~+/-]{16,}=*)/g;

/** Takes secrets out of texts. */
export interface Redactor {
  text(text: string): string;
  /** Of all texts in a value, and of its keys. Gives the value itself when there is nothing to take out. */
  value<T>(value: T): T;
}

interface Secret {
  readonly value: string;
  readonly name: string;
  /** Whether a part of it at the edge of a text is taken for it; not of addresses, whose beginnings say nothing. */
  readonly cut: boolean;
}

/** What is taken out of a text, [from, to), and what stands there then. */
interface Found {
  readonly from: number;
  readonly to: number;
  readonly name: string;
}

/**
 * Knows the secrets of an environment: variables that are named like one or listed in `names` (of an address its long
 * parts too, as webhooks have), and the password in any address. Each is replaced by `[VARIABLE]`; what looks like a
 * key, whoever's it is, by `[secret]`.
 *
 * A secret is found as it is, escaped as JSON (three times over) or as an address does it, in Base64, and, by 12 or
 * more of its characters, where a text or a quoted part of it begins or ends in the middle of one.
 */
export function createRedactor(
  env: Readonly<Record<string, string | undefined>>,
  names: readonly string[] = [],
): Redactor {
  const secrets = secretsOf(env, names);
  const find = finderOf(secrets);
  const spaces = secrets.some(({ value }) => value.includes(' '));
  const text = (given: string): string => {
    const found = find === null ? [] : [...find(given)];
    if (find !== null)
      for (const reading of readings(given, spaces)) {
        const inside = find(reading.text);
        const places = inside.length === 0 ? [] : reading.places();
        for (const { from, to, name } of inside)
          found.push({ from: places[from] ?? 0, to: places[to] ?? given.length, name });
      }
    return without(given, found).replace(SHAPES, '[secret]');
  };
  const walk = (value: unknown): unknown => {
    if (typeof value === 'string') return text(value);
    if (Array.isArray(value)) return value.map(walk);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [text(key), walk(inner)]));
  };
  return {
    text,
    // What it gives has the shape of what it was given: only texts change.
    value: (value) => walk(value) as typeof value,
  };
}

/** The longest first: a secret may hold another. */
function secretsOf(env: Readonly<Record<string, string | undefined>>, names: readonly string[]): readonly Secret[] {
  const secrets = new Map<string, Secret>();
  const add = (value: string, name: string, cut: boolean): void => {
    if (value.length < SHORTEST) return;
    secrets.set(value, { value, name, cut: cut && value.length > CUT_PART });
    for (const form of base64Forms(value)) secrets.set(form, { value: form, name, cut: false });
  };
  for (const [name, value = ''] of Object.entries(env)) {
    for (const part of passwordsIn(value)) add(part, name, true);
    if (!SECRET_NAME.test(name) && !names.includes(name)) continue;
    add(value, name, !isAddress(value));
    for (const part of longParts(value)) add(part, name, true);
  }
  return [...secrets.values()].sort((a, b) => b.value.length - a.value.length);
}

/** Finds secrets in a text, in order; null when there is none to look for. */
function finderOf(secrets: readonly Secret[]): ((text: string) => readonly Found[]) | null {
  if (secrets.length === 0) return null;
  const cut = secrets.filter((secret) => secret.cut);
  const marks = new Set([
    ...secrets.map(({ value }) => value.slice(0, CUT_PART)),
    ...cut.map(({ value }) => value.slice(-CUT_PART)),
  ]);
  const mark = new RegExp([...marks].map((s) => s.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('|'), 'g');
  return (text) => {
    const found: Found[] = [];
    mark.lastIndex = 0;
    for (let hit = mark.exec(text); hit !== null; hit = mark.exec(text)) {
      const one = wholeAt(text, hit.index, secrets) ?? partAt(text, hit.index, cut);
      if (one !== undefined) found.push(one);
      mark.lastIndex = Math.max(hit.index + 1, one?.to ?? 0);
    }
    return found;
  };
}

function wholeAt(text: string, at: number, secrets: readonly Secret[]): Found | undefined {
  const secret = secrets.find(({ value }) => text.startsWith(value, at));
  return secret === undefined ? undefined : { from: at, to: at + secret.value.length, name: secret.name };
}

/** A secret's beginning up to the edge of a text, or its end from there. */
function partAt(text: string, at: number, secrets: readonly Secret[]): Found | undefined {
  for (const { value, name } of secrets) {
    let to = at;
    while (to - at < value.length && text[to] === value[to - at]) to++;
    if (to - at >= CUT_PART && endsAt(text, to)) return { from: at, to, name };
    if (!text.startsWith(value.slice(-CUT_PART), at)) continue;
    let from = at;
    for (let left = value.length - CUT_PART; left > 0 && from > 0 && text[from - 1] === value[left - 1]; left--) from--;
    if (beginsAt(text, from)) return { from, to: at + CUT_PART, name };
  }
  return undefined;
}

const EDGES = ['"', "'", '`', '…', '\n'];

function endsAt(text: string, at: number): boolean {
  return (
    at === text.length || EDGES.includes(text[at] ?? '') || text.startsWith('\\', at) || text.startsWith('...', at)
  );
}

function beginsAt(text: string, at: number): boolean {
  return at === 0 || EDGES.includes(text[at - 1] ?? '') || text.endsWith('...', at);
}

function without(text: string, found: readonly Found[]): string {
  if (found.length === 0) return text;
  let clean = '';
  let at = 0;
  for (const { from, to, name } of found.toSorted((a, b) => a.from - b.from || b.to - a.to)) {
    if (to <= at) continue;
    clean += from < at ? '' : `${text.slice(at, from)}[${name}]`;
    at = to;
  }
  return clean + text.slice(at);
}

function isAddress(value: string): boolean {
  return value.includes('://') && URL.canParse(value);
}

/** The password of an address, as it stands there and as it is meant. */
function passwordsIn(value: string): readonly string[] {
  if (!isAddress(value)) return [];
  const { password } = new URL(value);
  try {
    return [password, decodeURIComponent(password)];
  } catch {
    return [password];
  }
}

/** Parts of a secret address that are secrets by themselves. */
function longParts(value: string): readonly string[] {
  if (!isAddress(value)) return [];
  const { pathname, search } = new URL(value);
  return `${pathname}${search}`.split(/[/?&=]/).filter((part) => part.length >= LONG_PART);
}
