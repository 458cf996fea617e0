// Named places between two lasting effects, at which a test kills the process. Unarmed they cost one comparison.

/** Every crash point, `subject.between-what-and-what`. ARCHITECTURE.md lists them too; a test compares the lists and kills at each. */
export const CRASH_POINTS = [
  'store.opened',
  'store.recovered',
  'store.synced',
  'lease.created',
  'lease.release',
  'blob.synced',
  'blob.renamed',
  'blob.recorded',
  'snapshot.recorded',
  'snapshot.prepared',
  'snapshot.before-commit',
  'snapshot.committed',
  'snapshot.row-removed',
  'layer.unpacked',
  'layer.registered',
  'cache.recorded',
  'cache-mount.created',
  'cache-mount.row-removed',
  'image.before-commit',
  'image.recorded',
  'image.removal-before-commit',
  'build.tagged',
  'prune.image-removed',
  'download.chunk',
  'download.synced',
  'pull.complete',
  'push.layer-sent',
  'push.manifest-sent',
  'cache-export.layer-sent',
  'cache-export.before-manifest',
  'cache-export.manifest-sent',
  'collector.before-commit',
  'collector.committed',
  'collector.snapshot-removed',
  'collector.blob-removed',
  'runtime.filter-created',
  'network.recorded',
  'network.before-rules',
  'network.rules-set',
  'network.before-removal',
  'network.endpoint-attached',
  'network.endpoint-left',
  'container.snapshot-prepared',
  'container.recorded',
  'container.start-claimed',
  'container.create-asked',
  'container.process-created',
  'container.network-joined',
  'container.process-recorded',
  'container.started',
  'container.end-claimed',
  'container.taken-back',
  'container.removal-claimed',
  'container.log-removed',
  'container.files-removed',
  'volume.seed-copied',
  'volume.seeded',
] as const;

export type CrashPoint = (typeof CRASH_POINTS)[number];

let armed: string | undefined;
let passesLeft = 0;

/**
 * Arms one point for this process.
 *
 * @param at `NAME`, or `NAME@N` to die at the Nth passing (the first is 1)
 */
export function armCrashPoint(at: string): void {
  const [name, nth] = at.split('@');
  armed = name;
  passesLeft = Number(nth ?? 1);
}

/** Kills the process with SIGKILL when this point is armed: no handler, no `finally` and no exit code of its own, as in a power cut. */
export function crashPoint(name: CrashPoint): void {
  if (armed !== undefined && name === armed && --passesLeft === 0) process.kill(process.pid, 'SIGKILL');
}
