import { marketKey, type RecordSink } from '../../domain/records.ts';
import type { Instrument } from '../../domain/instrument.ts';
import type { TapeItem } from '../../domain/tape.ts';
import type { FrameVerdict, VenueMarket } from '../../exchanges/contract.ts';
import { decodeBytes } from '../../exchanges/shared/fast/reader.ts';
import { INSTRUMENTS_IN_FORCE, instrumentsSchema } from '../keyframe.ts';

/**
 * Decodes the items of a tape in order, with a decoder a connection, as the collector does. Gives the verdict on a frame
 * or a REST answer; undefined for what has no records: connections, notes, instrument lists, markets not given.
 */
export function tapeDecoder(
  markets: readonly VenueMarket[],
): (item: TapeItem, sink: RecordSink) => FrameVerdict | undefined {
  const known = new Map(markets.map((m) => [marketKey(m.exchange, m.market), m]));
  const decoders = new Map<string, ReturnType<VenueMarket['createDecoder']>>();
  const instruments = new Map<string, readonly Instrument[]>();
  return (item, sink) => {
    const key = marketKey(item.exchange, item.market);
    const market = known.get(key);
    if (market === undefined) return undefined;
    if (item.kind === 'rest' && item.call === 'instruments') {
      const before = item.args.cursor === undefined ? [] : (instruments.get(key) ?? []);
      instruments.set(key, market.parseInstruments(item.body, before));
      return undefined;
    }
    if (item.kind === 'note' && item.note === INSTRUMENTS_IN_FORCE)
      instruments.set(key, instrumentsSchema.parse(item.data));
    if (item.kind === 'connected' || item.kind === 'disconnected') decoders.delete(item.connection);
    if (item.kind !== 'frame' && item.kind !== 'rest') return undefined;
    const decoder = decoders.get(item.connection) ?? market.createDecoder({ instruments: instruments.get(key) ?? [] });
    decoders.set(item.connection, decoder);
    return item.kind === 'frame'
      ? decodeBytes(decoder, item.range ?? item.bytes, item.recv_time, sink)
      : decoder.rest(item.call, item.args, item.body, item.recv_time, sink);
  };
}
