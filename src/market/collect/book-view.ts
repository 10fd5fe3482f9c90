import { NotFound, Stale } from '../../kit/errors.ts';
import type { SeriesKey } from '../domain/records.ts';
import type { VenueMarket } from '../exchanges/contract.ts';
import type { BookView } from './contract.ts';
import type { Session } from './session.ts';

/** The live book of a series, at most `depth` levels a side. Throws Stale when it is not valid now, NotFound when it is not collected. */
export function readBook(
  session: Session,
  definition: VenueMarket | undefined,
  key: SeriesKey,
  depth: number,
): BookView {
  const { exchange, market, symbol } = key;
  const books = session.pipeline.books(exchange, market, symbol);
  const name = `${symbol} on ${exchange} ${market}`;
  if (books.length === 0) {
    if (session.series.get(key) === undefined) throw new NotFound(`the book of ${name} is not collected`);
    throw new Stale(`the book of ${name} has not begun`);
  }
  const book = books.findLast(({ state }) => state === 'valid');
  if (book === undefined) {
    throw new Stale(`the book of ${name} is not valid now (${books.at(-1)?.state ?? 'waiting'})`);
  }
  const age = session.intake.recvTime() - book.recvTime;
  const staleAfterMs = definition?.streams.orderbooks?.staleAfterMs ?? null;
  if (staleAfterMs !== null && age > staleAfterMs * 1000) {
    throw new Stale(`the book of ${name} has not changed for ${Math.round(age / 1000)} ms`);
  }
  // Received just now is not new where this process cannot keep up: it may have waited in the socket for minutes.
  const late = book.recvTime - book.eventTime;
  if (staleAfterMs !== null && late > staleAfterMs * 1000) {
    throw new Stale(
      `the book of ${name} was ${Math.round(late / 1000)} ms old when it came: a quiet market, a machine that cannot keep up, or a clock that is wrong`,
    );
  }
  return {
    exchange,
    market,
    symbol,
    event_time: book.eventTime,
    seq: book.lastSeq,
    bids: book.levels.bids(depth),
    asks: book.levels.asks(depth),
  };
}
