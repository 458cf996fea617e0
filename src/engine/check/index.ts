// `system check`: whether the database and the files agree, whether every byte is what its digest says, and whether anything is left
// of what has ended. A repair removes rows that cannot be served and files that nobody knows; what it would lose of the user's own
// is only reported.
import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { dropSnapshots, dropUnservable, withDescendants } from '../../content/index.ts';
import { deleteNetworkNamespace, removeTree, UmountFlag, unmount } from '../../sys/index.ts';
import type { Engine } from '../engine.ts';
import { checkRunning, leftRunning } from './running.ts';
import {
  brokenSnapshots,
  checkBlobs,
  checkContainers,
  checkDatabase,
  checkImages,
  checkLeases,
  checkSnapshots,
  checkUnfinished,
} from './stored.ts';
import type { CheckReport, Finding } from './types.ts';

export type { CheckReport, Finding, Subject } from './types.ts';

/** Looks twice at what seems wrong: what another command is about to do is gone, or recorded, the second time. */
export async function checkStore(engine: Engine, o: { repair?: boolean } = {}): Promise<CheckReport> {
  const verified = new Set<string>();
  let findings = await look(engine, verified);
  if (findings.length > 0) findings = same(findings, await look(engine, verified));
  const checked = count(engine);
  if (!o.repair || findings.length === 0) return { findings, repaired: [], checked };
  await repair(engine, findings);
  const left = same(findings, await look(engine, verified));
  return { findings, repaired: findings.filter((f) => !left.includes(f)), checked };
}

async function look(engine: Engine, verified: Set<string>): Promise<Finding[]> {
  const parts = [...checkBlobs(engine, verified), ...checkSnapshots(engine)];
  return [
    ...checkDatabase(engine),
    ...parts,
    ...checkImages(engine, parts),
    ...checkLeases(engine),
    ...checkContainers(engine),
    ...checkUnfinished(engine),
    ...(await checkRunning(engine)),
  ];
}

const keyOf = (f: Finding): string => `${f.subject} ${f.id} ${f.problem}`;

/** Of the first, those that are among the second as well. */
function same(first: readonly Finding[], second: readonly Finding[]): Finding[] {
  const keys = new Set(second.map(keyOf));
  return first.filter((f) => keys.has(keyOf(f)));
}

function count(engine: Engine): CheckReport['checked'] {
  return engine.db.read((sql) => {
    const rows = (table: 'blobs' | 'snapshots' | 'images' | 'containers'): number =>
      sql.get<{ n: number }>(`SELECT count(*) AS n FROM ${table}`)?.n ?? 0;
    return { blobs: rows('blobs'), snapshots: rows('snapshots'), images: rows('images'), containers: rows('containers') };
  });
}

async function repair(engine: Engine, findings: readonly Finding[]): Promise<void> {
  const ids = (subject: Finding['subject']): string[] => findings.filter((f) => f.subject === subject).map((f) => f.id);
  engine.db.durably((sql) => {
    for (const digest of ids('blob')) sql.run('DELETE FROM blobs WHERE digest = ?', digest);
    const lost = withDescendants(sql, brokenSnapshots(findings));
    const own = sql.get(
      "SELECT 1 FROM containers WHERE json_extract(json, '$.snapshotId') IN (SELECT value FROM json_each(?))",
      JSON.stringify(lost),
    );
    // what a container wrote is its user's: it stays, with what it stands on
    if (own === undefined) dropSnapshots(sql, lost);
    sql.run('DELETE FROM cache_records WHERE snapshot_id IS NOT NULL AND snapshot_id NOT IN (SELECT id FROM snapshots)');
    dropUnservable(sql);
  });
  for (const id of ids('container')) if (statSync(join(engine.layout.containers, id), { throwIfNoEntry: false })) forget(engine, id);
  engine.collector().collect();
  await endLeftovers(engine);
}

/** The folder of a container that has no row. */
function forget(engine: Engine, id: string): void {
  const row = engine.db.read((sql) => sql.get('SELECT 1 FROM containers WHERE id = ?', id));
  if (row === undefined) removeTree(join(engine.layout.containers, id));
}

async function endLeftovers(engine: Engine): Promise<void> {
  if ((await leftRunning(engine)).busy) return;
  await (await engine.containers()).reconcile();
  const left = await leftRunning(engine);
  const { endProcesses } = await import('../../runtime/index.ts');
  const ids = new Set([...left.processes, ...left.groups].map(({ id }) => id).concat(left.states));
  await endProcesses(engine.layout.runtime, ids);
  // it ends what killed builds have left first
  const runtime = ids.size > 0 ? await engine.runtime() : undefined;
  for (const id of left.states) await runtime?.delete(id, { force: true }).catch(() => {});
  for (const id of ids) await runtime?.endControlGroups(id);
  for (const path of left.folders) {
    if (path.startsWith(join(engine.layout.run, 'netns'))) deleteNetworkNamespace(path);
    else {
      for (const at of [join(path, 'rootfs'), path]) ignoring(() => unmount(at, UmountFlag.MNT_DETACH | UmountFlag.UMOUNT_NOFOLLOW));
      removeTree(path);
    }
    rmSync(path, { force: true, recursive: true });
  }
  if (engine.db.read((sql) => sql.get('SELECT 1 FROM networks')) !== undefined) await (await engine.network()).clear(left.isLive);
}

function ignoring(fn: () => void): void {
  try {
    fn();
  } catch {
    // nothing is mounted there
  }
}
