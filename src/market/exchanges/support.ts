import { marketKey, STREAMS, type Market, type Stream } from '../domain/records.ts';
import type { Venue } from './contract.ts';

/** How a market offers a stream; null fields where the venue states no limit or the stream is not polled. */
export interface OfferedStream {
  readonly via: 'websocket' | 'rest';
  readonly poll_ms: number | null;
  /** What can be fetched afterwards: how far back in ms (null: no stated limit), and whether in pages. */
  readonly history: { readonly reach_ms: number | null; readonly paged: boolean } | null;
}

/** One venue market and what it offers of each stream (null: nothing). */
export interface MarketSupport {
  readonly id: string;
  readonly exchange: string;
  readonly title: string;
  readonly market: Market;
  readonly streams: Readonly<Record<Stream, OfferedStream | null>>;
  /** Quote that stands for an asked one: `{ USDT: 'USD' }`. */
  readonly stands_for: Readonly<Record<string, string>>;
  /** The environment variable with the secret that it wants; null: none. */
  readonly credential: { readonly variable: string; readonly required: boolean } | null;
}

/** Every market of the venues, from their definitions, in the venues' order. */
export function marketSupport(venues: readonly Venue[]): readonly MarketSupport[] {
  return venues.flatMap((venue) =>
    venue.markets.map((market) => ({
      id: marketKey(market.exchange, market.market),
      exchange: market.exchange,
      title: venue.title,
      market: market.market,
      streams: offeredStreams(market.streams),
      stands_for: market.standsFor ?? {},
      credential: credentialOf(market),
    })),
  );
}

function credentialOf({ credential }: Venue['markets'][number]): MarketSupport['credential'] {
  return credential === undefined ? null : { variable: credential.variable, required: credential.required };
}

function offeredStreams(streams: Venue['markets'][number]['streams']): MarketSupport['streams'] {
  const offered = STREAMS.map((stream) => {
    const support = streams[stream];
    if (support === undefined) return [stream, null] as const;
    const { history, via, pollMs } = support;
    return [
      stream,
      {
        via,
        poll_ms: pollMs ?? null,
        history: history === undefined ? null : { reach_ms: history.reachMs, paged: history.paged },
      },
    ] as const;
  });
  return Object.fromEntries(offered) as MarketSupport['streams']; // one entry a stream
}

/** `ws`, `rest`, with `+h` where history can be fetched; `–` where the stream is not offered. */
export function supportText(offered: OfferedStream | null): string {
  if (offered === null) return '–';
  return `${offered.via === 'websocket' ? 'ws' : 'rest'}${offered.history === null ? '' : '+h'}`;
}
