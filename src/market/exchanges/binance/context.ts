import type { Us } from '../../../kit/clock.ts';
import type { Market, Origin, RecordSink } from '../../domain/records.ts';
import type { SymbolTable } from '../shared/symbols.ts';
import { timeOf } from '../shared/values.ts';

export const EXCHANGE = 'binance';

/** What every event of a connection is read with. */
export interface ReadContext {
  readonly market: Market;
  readonly symbols: SymbolTable;
  readonly recvTime: Us;
  readonly origin: Origin;
  readonly sink: RecordSink;
}

/** The venue's time; where it gives none, when it came; NaN when what it gives is no time. */
export function eventTime(value: unknown, context: ReadContext): Us {
  return value === undefined || value === null ? context.recvTime : timeOf(value);
}
