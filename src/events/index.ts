export { type BusStatistics, EventBus, type EventBusOptions, type Handler, type HandlerOptions } from './bus.ts';
export { type DurableOptions, DurableSubscriber } from './durable.ts';
export { type EventFilter, matcher, namesOf } from './filter.ts';
export { EventJournal, type FollowOptions, type JournalOptions } from './journal.ts';
export type { PruneOptions } from './prune.ts';
export {
  backupOps,
  fromStamp,
  listCopies,
  readThrough,
  scheduleBackups,
  stamp,
  type VerifiedCopy,
} from './ops/backup.ts';
export { type OpenOpsOptions, openOpsDatabase, OPS_FILE, type OpsDatabase } from './ops/database.ts';
export { pruneOps } from './ops/retention.ts';
export { createOpsStore, type OpsStoreHandle } from './ops/store.ts';
export { countEvents, type EventQuery, queryEvents } from './query.ts';
export { type SubscribeOptions, Subscription, type WhenFull } from './subscription.ts';
export { EventStream, type StreamQuery } from './stream.ts';
