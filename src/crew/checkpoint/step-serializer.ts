import { MemorySaver, type SerializerProtocol } from '@langchain/langgraph-checkpoint';
import { isSettled } from './settled.ts';

/** Thrown, never seen outside: the value holds what only LangGraph's own serialiser knows how to write. */
const NOT_PLAIN = new Error('not plain');
const encoder = new TextEncoder();

/**
 * Writes what LangGraph's serialiser writes, to the letter, and reads with it. Two things make it quicker: it does not
 * first walk every value in search of circles (only one that has some goes that way), and of a `settled` value, which is
 * written again at each step of an agent with a little more in its lists, each entry is turned into text once.
 */
export class StepSerializer implements SerializerProtocol {
  readonly #inner: SerializerProtocol;
  readonly #texts = new WeakMap<object, string>();

  constructor(inner: SerializerProtocol = new MemorySaver().serde) {
    this.#inner = inner;
  }

  async dumpsTyped(value: unknown): Promise<[string, Uint8Array]> {
    const text = this.textOf(value);
    return text === undefined ? this.#inner.dumpsTyped(value) : ['json', encoder.encode(text)];
  }

  loadsTyped(type: string, data: Uint8Array | string): Promise<unknown> {
    return this.#inner.loadsTyped(type, data) as Promise<unknown>;
  }

  /** The JSON of a value; undefined for one that LangGraph's serialiser has to write. */
  textOf(value: unknown): string | undefined {
    try {
      return isCheckpoint(value) ? this.#checkpoint(value) : this.#text(value);
    } catch (error) {
      // A circle or a bigint is a TypeError of JSON.stringify.
      if (error === NOT_PLAIN || error instanceof TypeError) return undefined;
      throw error;
    }
  }

  #text(value: unknown): string {
    return isSettled(value) ? this.#once(value, () => object(value, (field) => this.#field(field))) : plain(value);
  }

  /** As a saver in memory writes it: with the values of its channels in it. */
  #checkpoint(checkpoint: Readonly<Record<string, unknown>> & { readonly channel_values: object }): string {
    return object(checkpoint, (value) =>
      value === checkpoint.channel_values
        ? object(checkpoint.channel_values, (held) => this.#text(held))
        : plain(value),
    );
  }

  #field(value: unknown): string {
    if (!Array.isArray(value)) return plain(value);
    return `[${value.map((entry: unknown) => this.#entry(entry)).join(',')}]`;
  }

  #entry(value: unknown): string {
    return typeof value === 'object' && value !== null ? this.#once(value, () => plain(value)) : plain(value);
  }

  #once(value: object, write: () => string): string {
    const known = this.#texts.get(value);
    if (known !== undefined) return known;
    const text = write();
    this.#texts.set(value, text);
    return text;
  }
}

function isCheckpoint(
  value: unknown,
): value is Readonly<Record<string, unknown>> & { readonly channel_values: object } {
  if (typeof value !== 'object' || value === null || !('channel_values' in value)) return false;
  const { channel_values: held } = value;
  return typeof held === 'object' && held !== null && isPlainObject(value) && isPlainObject(held);
}

function object(value: object, write: (field: unknown) => string): string {
  const fields = Object.entries(value).map(([name, field]) => `${JSON.stringify(name)}:${write(field)}`);
  return `{${fields.join(',')}}`;
}

function plain(value: unknown): string {
  return JSON.stringify(value, replace);
}

/** Sees a value after its own `toJSON`: a message is a plain object by then. */
function replace(_: string, value: unknown): unknown {
  switch (typeof value) {
    case 'undefined':
      return { lc: 2, type: 'undefined' };
    case 'function':
    case 'symbol':
      throw NOT_PLAIN;
    case 'object':
      if (value === null || Array.isArray(value)) return value;
      // A Send says what it is in its own `toJSON`, and is written otherwise.
      if (!isPlainObject(value) || 'lg_name' in value) throw NOT_PLAIN;
      return value;
    default:
      return value;
  }
}

function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
