import type { Us } from '../../../kit/clock.ts';
import { perDay } from '../../../kit/rate.ts';
import { marketKey, type Market, type Stream } from '../../domain/records.ts';
import type { TapeItem } from '../../domain/tape.ts';
import type { VenueMarket } from '../../exchanges/contract.ts';
import { tapeDecoder } from './decoding.ts';
import { BLOCK_HEADER_BYTES, CODEC, segmentPath } from './format.ts';
import { decodeItems } from './items.ts';
import { readRawBlocks, segmentsOf, unpack, type TapeDamage } from './segments.ts';

/** What a stream of a venue market takes on the tape. */
export interface TapeUsage {
  readonly exchange: string;
  readonly market: Market;
  /** `other`: what holds no record (acknowledgements, heartbeats, instrument lists, what replay needs). */
  readonly stream: Stream | 'other';
  readonly records: number;
  /** As received. */
  readonly raw_bytes: number;
  /** Its part of the compressed blocks, by the bytes received of all in the block. */
  readonly tape_bytes: number;
  /** Time in which the market was received, s; a silence of more than a minute over the whole tape is not counted. */
  readonly observed_seconds: number;
  /** `tape_bytes` at that rate for a day: an extrapolation. Null below a minute observed. */
  readonly tape_bytes_per_day: number | null;
}

/** Silence of the whole tape beyond which nothing was being collected. */
const SILENCE_US: Us = 60_000_000;

interface Sum {
  readonly exchange: string;
  readonly market: Market;
  readonly stream: Stream | 'other';
  records: number;
  raw: number;
  tape: number;
}

/**
 * Reads a tape from `since` (UTC µs) and tells how many bytes each stream of each market takes. A frame of several
 * streams counts for each by its records. `onDamage` is told of what cannot be read, which is passed over.
 */
export async function tapeUsage(
  folder: string,
  markets: readonly VenueMarket[],
  options: {
    readonly since?: Us | undefined;
    readonly onDamage?: ((damage: TapeDamage) => void) | undefined;
    readonly signal?: AbortSignal | undefined;
  } = {},
): Promise<readonly TapeUsage[]> {
  const decode = tapeDecoder(markets);
  const sums = new Map<string, Sum>();
  const observed = new ObservedTime();
  for (const segment of await segmentsOf(folder)) {
    const path = segmentPath(folder, segment);
    for await (const block of readRawBlocks(path, segment, options)) {
      if (block.header.codec === CODEC.footer) continue;
      const items = decodeItems(await unpack(block, path), `${path} at byte ${block.offset}`);
      const parts = items.flatMap((item) => {
        const shares = sharesOf(item, decode);
        if (item.recv_time < (options.since ?? 0)) return [];
        observed.see(item);
        return shares.map((share) => ({ item, ...share }));
      });
      const whole = parts.reduce((total, { bytes }) => total + bytes, 0);
      const packed = BLOCK_HEADER_BYTES + block.header.payloadBytes;
      const counted = items.length === 0 ? 0 : items.filter((i) => i.recv_time >= (options.since ?? 0)).length;
      for (const { item, stream, records, bytes } of parts) {
        const key = `${marketKey(item.exchange, item.market)} ${stream}`;
        const sum = sums.get(key) ?? {
          exchange: item.exchange,
          market: item.market,
          stream,
          records: 0,
          raw: 0,
          tape: 0,
        };
        sums.set(key, sum);
        sum.records += records;
        sum.raw += bytes;
        sum.tape += whole === 0 ? 0 : (bytes / whole) * packed * (counted / items.length);
      }
    }
  }
  return [...sums.values()]
    .map((sum) => {
      const seconds = observed.seconds(sum);
      const { exchange, market, stream, records } = sum;
      const base = {
        exchange,
        market,
        stream,
        records,
        raw_bytes: Math.round(sum.raw),
        tape_bytes: Math.round(sum.tape),
      };
      return { ...base, observed_seconds: seconds, tape_bytes_per_day: perDay(sum.tape, seconds) };
    })
    .sort((a, b) => b.tape_bytes - a.tape_bytes);
}

/** The streams that an item holds records of, and their parts of its bytes. */
function sharesOf(
  item: TapeItem,
  decode: ReturnType<typeof tapeDecoder>,
): readonly { readonly stream: Sum['stream']; readonly records: number; readonly bytes: number }[] {
  const counts = new Map<Stream, number>();
  let total = 0;
  decode(item, ({ stream }) => {
    const stored = stream === 'book' ? 'orderbooks' : stream;
    counts.set(stored, (counts.get(stored) ?? 0) + 1);
    total++;
  });
  const bytes = bytesOf(item);
  if (total === 0) return [{ stream: 'other', records: 0, bytes }];
  return [...counts].map(([stream, records]) => ({ stream, records, bytes: (bytes * records) / total }));
}

function bytesOf(item: TapeItem): number {
  if (item.kind === 'frame') return item.bytes.length;
  return Buffer.byteLength(item.kind === 'rest' ? item.body : JSON.stringify(item));
}

/** Time from the first to the last item of each market, without the silences of the whole tape in between. */
class ObservedTime {
  #last: Us | null = null;
  #elapsed: Us = 0;
  readonly #spans = new Map<string, { readonly first: Us; last: Us }>();

  see({ recv_time: at, exchange, market }: TapeItem): void {
    const step = this.#last === null ? 0 : at - this.#last;
    if (step > 0 && step <= SILENCE_US) this.#elapsed += step;
    this.#last = Math.max(at, this.#last ?? at);
    const key = marketKey(exchange, market);
    const span = this.#spans.get(key);
    if (span === undefined) this.#spans.set(key, { first: this.#elapsed, last: this.#elapsed });
    else span.last = this.#elapsed;
  }

  seconds({ exchange, market }: { readonly exchange: string; readonly market: Market }): number {
    const span = this.#spans.get(marketKey(exchange, market));
    return span === undefined ? 0 : (span.last - span.first) / 1e6;
  }
}
