import type { Us } from '../../../kit/clock.ts';
import type { Market, Origin, RecordBase, RecordSink } from '../../domain/records.ts';
import type { SymbolFacts, SymbolTable } from '../shared/symbols.ts';

/** What every event of a connection is read with. */
export interface ReadContext {
  readonly market: Market;
  readonly symbols: SymbolTable;
  readonly recvTime: Us;
  readonly origin: Origin;
  readonly sink: RecordSink;
}

/** What every record of the venue begins with. */
export function baseOf(facts: SymbolFacts, time: Us, context: ReadContext, seq: number | null = null): RecordBase {
  return {
    exchange: 'kraken',
    market: context.market,
    symbol: facts.symbol,
    event_time: time,
    recv_time: context.recvTime,
    seq,
    origin: context.origin,
  };
}
