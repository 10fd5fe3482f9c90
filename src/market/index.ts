/** The market half alone: records, venues, decoding, tape, books, store. Knows no agents. */
export { createCollector, type CollectorOptions } from './collect/collector.ts';
export type {
  BackfillResult,
  BookView,
  Collector,
  CollectorStatus,
  ConnectionStatus,
  SeriesStatus,
} from './collect/contract.ts';
export { listTape, verifyTape } from './collect/tape/inspect.ts';
export { readTape, type TapeEntry } from './collect/tape/reader.ts';
export { type MarketConfig, marketConfigSchema } from './config.ts';
export { DEFAULT_SYMBOLS, type Instrument } from './domain/instrument.ts';
export {
  type BookRecord,
  type CandleRecord,
  type FundingRecord,
  type LiquidationRecord,
  type MarketRecord,
  type MarkPriceRecord,
  type OpenInterestRecord,
  type OrderBookRecord,
  type PriceRecord,
  type SeriesKey,
  type StoredRecord,
  STREAMS,
  type Stream,
  type TickerRecord,
  type TradeRecord,
  viewName,
} from './domain/records.ts';
export type { TapeItem, TapePosition } from './domain/tape.ts';
export { venues } from './exchanges/catalogue.generated.ts';
export type { Decoder, FrameVerdict, Venue, VenueMarket } from './exchanges/contract.ts';
export { createDecodeStream, type DecodeStream, parseInstrumentFile } from './exchanges/decode.ts';
export type { MarketServices } from './services.ts';
export { exportTruth } from './simulator/truth.ts';
export { type Simulator, startSimulator } from './simulator/server.ts';
export type { MarketStore } from './store/contract.ts';
export { openMarketStore } from './store/open.ts';
export { tools } from './tools/catalogue.generated.ts';
