import type { SerializerProtocol } from '@langchain/langgraph-checkpoint';
import { StepSerializer } from './step-serializer.ts';

/** A serialised value as text: JSON as it is, other bytes in base64. */
export interface Encoded {
  readonly encoding: string;
  readonly text: string;
}

const decoder = new TextDecoder();

/** Serialises `value`; types other than JSON are marked `base64:<type>`. */
export async function encodeValue(serde: SerializerProtocol, value: unknown): Promise<Encoded> {
  const known = serde instanceof StepSerializer ? serde.textOf(value) : undefined;
  if (known !== undefined) return { encoding: 'json', text: known };
  const [type, bytes] = await serde.dumpsTyped(value);
  if (type === 'json') return { encoding: type, text: decoder.decode(bytes) };
  return { encoding: `base64:${type}`, text: Buffer.from(bytes).toString('base64') };
}

/** The value again. */
export async function decodeValue(serde: SerializerProtocol, { encoding, text }: Encoded): Promise<unknown> {
  if (!encoding.startsWith('base64:')) return serde.loadsTyped(encoding, text) as Promise<unknown>;
  return serde.loadsTyped(encoding.slice(7), new Uint8Array(Buffer.from(text, 'base64'))) as Promise<unknown>;
}
