// Blobs by digest, leases on what is in use, and the collector of what is not.
export { type Collected, GarbageCollector, REACHED_SNAPSHOTS } from './collector.ts';
export { dropSnapshots, dropUnservable, needsSync, recover, type Recovered, syncStore, unservable, withDescendants } from './durability.ts';
export { isImageLeased, Lease, Leases } from './leases.ts';
export { type BlobInfo, ContentStore, type IngestOptions } from './store.ts';
