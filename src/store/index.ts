// The database and the folders of a store.
export { Database } from './database.ts';
export type { Sql, SqlValue } from './database.ts';
export { type EventType, followEvents, latestEvent, recordEvent, type RecordedEvent, type StoreEvent } from './events.ts';
export { layout, makePrivate } from './layout.ts';
export type { Layout } from './layout.ts';
export { anyOwnerDead, isAbandoned, ownedFolder, ownedName, ownerAlive, ownerOf, sweepOwned, sweepOwners } from './owner.ts';
export { isNoSpace, noSpaceError, storeError } from './errors.ts';
