export { type BusStatistics, EventBus, type EventBusOptions, type Handler } from './bus.ts';
export { type DurableOptions, DurableSubscriber } from './durable.ts';
export { type EventFilter, matcher, namesOf } from './filter.ts';
export { EventJournal, type FollowOptions, type JournalOptions, type PruneOptions } from './journal.ts';
export { backupOps, listCopies, scheduleBackups, type VerifiedCopy } from './ops/backup.ts';
export { type OpenOpsOptions, openOpsDatabase, OPS_FILE, type OpsDatabase } from './ops/database.ts';
export { createOpsStore, type OpsStoreHandle } from './ops/store.ts';
export { countEvents, type EventQuery, queryEvents } from './query.ts';
export { type SubscribeOptions, Subscription, type WhenFull } from './subscription.ts';
