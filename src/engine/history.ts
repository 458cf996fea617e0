// Builds that were: what the commands about history ask.
import type { BuildRecord, BuildRecords, BuildSummary } from '../builder/index.ts';
import type { Engine } from './engine.ts';

export interface ShownBuild {
  readonly record: BuildRecord;
  readonly summary: BuildSummary;
}

export interface BuildHistory {
  list(): ShownBuild[];
  /** By its ref, the beginning of it, or `^N`. @throws SlipwayError `build.no-record`. */
  find(ref: string): ShownBuild;
  log(ref: string): string;
  remove(refs: readonly string[] | 'all'): string[];
}

export async function buildHistory(engine: Engine, now: number): Promise<BuildHistory> {
  const { BuildRecords, summarize } = await import('../builder/index.ts');
  const records: BuildRecords = new BuildRecords(engine.db);
  const show = (record: BuildRecord): ShownBuild => ({
    record,
    summary: summarize(record.steps, (record.finishedAt ?? (record.status === 'running' ? now : record.startedAt)) - record.startedAt),
  });
  return {
    list: () => records.all().map(show),
    find: (ref) => show(records.find(ref)),
    log: (ref) => records.log(ref),
    remove: (refs) => records.remove(refs),
  };
}
