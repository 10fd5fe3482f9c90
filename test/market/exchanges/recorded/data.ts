import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Us } from '../../../../src/kit/clock.ts';
import { venues } from '../../../../src/market/exchanges/catalogue.generated.ts';
import type { Decoder, FrameVerdict, VenueMarket } from '../../../../src/market/exchanges/contract.ts';
import type { MarketRecord } from '../../../../src/market/domain/records.ts';

/** Recordings and reference results lie beside the repository; tests of them are skipped where they are absent. */
export const DATA = path.resolve(import.meta.dirname, '../../../../../shared/data');

export const hasData = (folder: string): boolean => existsSync(path.join(DATA, folder));

export function text(file: string): string {
  const bytes = readFileSync(path.join(DATA, file));
  return file.endsWith('.gz') ? gunzipSync(bytes).toString('utf8') : bytes.toString('utf8');
}

export const lines = (file: string): string[] =>
  text(file)
    .split('\n')
    .filter((line) => line.trim() !== '');

export const json = (file: string): any => JSON.parse(text(file));

export const jsonLines = (file: string): any[] => lines(file).map((line) => JSON.parse(line));

export function marketOf(key: string): VenueMarket {
  const found = venues
    .flatMap((venue) => venue.markets)
    .find(({ exchange, market, alsoReads = [] }) => [market, ...alsoReads].some((one) => `${exchange}_${one}` === key));
  if (found === undefined) throw new Error(`no market ${key}`);
  return found;
}

export function decodeFrame(
  decoder: Decoder,
  frame: string,
  recvTime: Us,
): { readonly verdict: FrameVerdict; readonly records: MarketRecord[] } {
  const records: MarketRecord[] = [];
  const verdict = decoder.frame(frame, recvTime, (record) => records.push(record));
  return { verdict, records };
}

/** A frame, or where it is none a REST body that its shape tells. */
export function decodeAny(
  market: VenueMarket,
  decoder: Decoder,
  frame: string,
  recvTime: Us,
): { readonly verdict: FrameVerdict; readonly records: MarketRecord[] } {
  const first = decodeFrame(decoder, frame, recvTime);
  if (first.verdict.kind !== 'rejected') return first;
  const answered = market.recognise?.(JSON.parse(frame));
  if (answered === undefined) return first;
  const records: MarketRecord[] = [];
  const verdict = decoder.rest(answered.call, answered.args, frame, recvTime, (record) => records.push(record));
  return { verdict, records };
}

/** ISO text with up to µs as UTC µs. */
export function isoToUs(iso: string): Us {
  const fraction = /\.(\d+)Z$/.exec(iso)?.[1] ?? '';
  const seconds = Date.parse(iso.replace(/\.\d+Z$/, 'Z')) / 1000;
  return seconds * 1e6 + Number(fraction.padEnd(6, '0').slice(0, 6));
}
