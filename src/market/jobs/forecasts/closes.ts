import type { Us } from '../../../kit/clock.ts';
import { viewName, type SeriesKey } from '../../domain/records.ts';
import { quoted } from '../../store/names.ts';
import type { MarketStore } from '../../store/contract.ts';
import { numberOf } from '../row.ts';

export const MINUTE_US = 60_000_000;

/** Closes of finished one-minute candles without a hole between them, oldest first. */
export interface Closes {
  readonly prices: readonly number[];
  /** End of the last candle, UTC µs; null without any. */
  readonly end: Us | null;
}

/** The newest `most` closes of a series of candles before `now`, back to the first minute that is missing. */
export async function newestCloses(
  services: { readonly store: MarketStore },
  key: SeriesKey,
  { now, most }: { readonly now: Us; readonly most: number },
): Promise<Closes> {
  const prices: number[] = [];
  let [end, before]: (Us | null)[] = [null, null];
  for (const { opened, close } of await closesSince(services, key, now - (most + 1) * MINUTE_US, now)) {
    if (before !== null && before !== undefined && before - opened !== MINUTE_US) break;
    end ??= opened + MINUTE_US;
    before = opened;
    prices.push(close);
    if (prices.length === most) break;
  }
  return { prices: prices.reverse(), end: end ?? null };
}

/** Closes of finished candles that began in [from, to), newest first. */
export async function closesSince(
  services: { readonly store: MarketStore },
  key: SeriesKey,
  from: Us,
  to: Us,
): Promise<readonly { readonly opened: Us; readonly close: number }[]> {
  const rows = await services.store.read(
    `SELECT epoch_us(open_time)::DOUBLE AS opened, close FROM ${quoted(viewName(key))}
     WHERE open_time >= make_timestamp(?::BIGINT) AND open_time < make_timestamp(?::BIGINT) AND closed AND close > 0
     ORDER BY open_time DESC`,
    [from, to],
  );
  return rows.flatMap((row) => {
    const [opened, close] = [numberOf(row, 'opened'), numberOf(row, 'close')];
    return opened === null || close === null ? [] : [{ opened, close }];
  });
}
