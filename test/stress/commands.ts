// Runs, equal builds, prunes, removals, pulls, pushes, saves and loads, all at once.
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { layout } from '../../src/store/index.ts';
import { commandLines } from '../support/processes.ts';
import { startRegistry } from '../support/registry.ts';
import type { TestStore } from '../support/store.ts';

const DOCKERFILE = `FROM busybox AS a
RUN head -c 9 /dev/urandom | base64 > /a
FROM busybox
COPY b /b
COPY --from=a /a /a
RUN cat /a /b > /both
`;

export interface Counts {
  /** `run --rm` of an image that stays. */
  readonly runs: number;
  /** Equal builds: each step may run once. */
  readonly builds: number;
  /** `system prune`, beside builds without a name, loads and removals. */
  readonly prunes: number;
  /** Pulls, pushes and saves of one image, beside its removal, prunes, and builds on it. */
  readonly transfers: number;
}

/** What came out wrong; nothing when all is well. */
export async function together(store: TestStore, { runs, builds, prunes, transfers }: Counts): Promise<string[]> {
  const dir = join(store.folder, 'together');
  mkdirSync(dir);
  writeFileSync(join(dir, 'Dockerfile'), DOCKERFILE);
  writeFileSync(join(dir, 'b'), 'b\n');
  await store.ok(['bootstrap', 'busybox']);
  const archive = join(dir, 'busybox.tar');
  await store.ok(['save', '-o', archive, 'busybox']);
  // not part of the context of builds
  writeFileSync(join(dir, '.dockerignore'), 'busybox.tar\n');
  const wrong: string[] = [];
  const each = (n: number, fn: (i: number) => Promise<string | undefined>): Promise<void>[] =>
    Array.from({ length: n }, async (_, i) => {
      const said = await fn(i);
      if (said !== undefined) wrong.push(said);
    });
  const succeeds = async (args: readonly string[], expected?: (stdout: string) => boolean): Promise<string | undefined> => {
    const r = await store.slipway(args);
    const fine = r.exitCode === 0 && (expected === undefined || expected(r.stdout));
    return fine ? undefined : `${args.join(' ')}: ${r.exitCode ?? r.signal}: ${r.stderr}${r.stdout}`;
  };
  await Promise.all(
    each(runs, (i) =>
      succeeds(['run', '--rm', '--network', i % 2 ? 'none' : 'bridge', 'busybox', 'echo', String(i)], (out) => out === `${i}\n`),
    ),
  );
  const ids = new Set<string>();
  await Promise.all(
    each(builds, (i) =>
      succeeds(['build', '-q', '--network', 'none', '-t', `same${i}`, dir], (out) => {
        ids.add(out);
        return true;
      }),
    ),
  );
  if (builds > 0 && ids.size !== 1) wrong.push(`equal builds gave ${ids.size} images`);
  await Promise.all([
    ...each(prunes, () => succeeds(['system', 'prune', '-f'])),
    ...each(prunes, () => succeeds(['image', 'prune', '-f'])),
    // without a name, nothing but the build itself holds it
    ...each(prunes, (i) => succeeds(['build', '-q', '--network', 'none', '--build-arg', `N=${i}`, '--no-cache', dir])),
    ...each(prunes, (i) => succeeds(['build', '-q', '--network', 'none', '--no-cache', '-o', join(store.folder, `out${i}`), dir])),
    ...each(prunes, () => succeeds(['load', '-q', '-i', archive])),
    ...each(Math.min(prunes, builds), (i) => succeeds(['rmi', `same${i}`])),
  ]);
  // none of them may take away what a container that is about to start stands on
  await Promise.all([
    ...each(prunes, () => succeeds(['system', 'prune', '-f'])),
    ...each(prunes, () => succeeds(['container', 'prune', '-f'])),
    ...each(prunes, () => succeeds(['image', 'prune', '-f'])),
    ...each(prunes, () => succeeds(['builder', 'prune', '-af'])),
    ...each(prunes, (i) =>
      succeeds(['run', '--rm', '--network', i % 2 ? 'none' : 'bridge', 'busybox', 'echo', String(i)], (out) => out === `${i}\n`),
    ),
    ...each(prunes, (i) => succeeds(['load', '-q', '-i', archive]).then(async (said) => said ?? succeeds(['tag', 'busybox', `again${i}`]))),
  ]);
  const registry = await startRegistry({ folder: join(store.folder, 'registry') });
  try {
    const moved = `${registry.host}/lab/app:1`;
    const stays = `${registry.host}/lab/app:2`;
    for (const name of [moved, stays]) await store.ok(['build', '-q', '--network', 'none', '-t', name, dir]);
    await store.ok(['push', '-q', moved]);
    const onIt = join(store.folder, 'on-it');
    mkdirSync(onIt);
    writeFileSync(join(onIt, 'Dockerfile'), `FROM ${moved}\nARG N\nRUN cat /both\n`);
    const saved = (i: number): string => join(store.folder, `saved${i}.tar`);
    await Promise.all([
      ...each(transfers, () => succeeds(['pull', '-q', moved])),
      ...each(transfers, () => succeeds(['push', '-q', stays])),
      ...each(transfers, (i) => succeeds(['save', '-o', saved(i), stays])),
      // -f: that it is gone already is right
      ...each(transfers, () => succeeds(['rmi', '-f', moved])),
      ...each(transfers, (i) => succeeds(['build', '-q', '--pull', '--network', 'none', '--build-arg', `N=${i}`, onIt])),
      ...each(transfers, () => succeeds(['image', 'prune', '-f'])),
      ...each(transfers, () => succeeds(['builder', 'prune', '-af'])),
      ...each(transfers, () => succeeds(['system', 'prune', '-f'])),
    ]);
    await store.ok(['rmi', '-f', stays]);
    await Promise.all(each(transfers, (i) => succeeds(['load', '-q', '-i', saved(i)], (out) => out === `Loaded image: ${stays}\n`)));
    await store.ok(['pull', '-q', stays]);
    if (transfers > 0 && (await store.ok(['run', '--rm', '--network', 'none', stays, 'cat', '/b'])) !== 'b\n') wrong.push('pulled image');
    // what was fetched, nothing but the pull itself holds, and an image that nobody uses goes as soon as it is there
    await Promise.all([
      ...each(transfers, (i) => succeeds(['pull', '-q', i % 2 ? moved : stays])),
      ...each(transfers, () => succeeds(['system', 'prune', '-af'])),
    ]);
    await store.ok(['pull', '-q', moved]);
    if (transfers > 0 && (await store.ok(['run', '--rm', '--network', 'none', moved, 'cat', '/b'])) !== 'b\n')
      wrong.push('the image that was pulled beside prunes');
  } finally {
    await registry.stop();
  }
  const check = await store.slipway(['system', 'check']);
  if (check.exitCode !== 0) wrong.push(check.stdout);
  const containers = await store.ok(['ps', '-aq']);
  if (containers !== '') wrong.push(`containers are left: ${containers}`);
  wrong.push(...(await leftovers(store)));
  const images = (await store.ok(['images', '-aq'])).split('\n').filter(Boolean);
  if (images.length > 0) await store.ok(['rmi', '-f', ...new Set(images)]);
  await store.ok(['system', 'prune', '-af']);
  const { blobs, snapshots, ingest, containers: records, cacheMounts, mounts } = layout(store.root, store.run);
  for (const folder of [join(blobs, 'sha256'), snapshots, ingest, records, cacheMounts, mounts]) {
    const left = readdirSync(folder);
    if (left.length > 0) wrong.push(`${folder} holds ${left.join(' ')}`);
  }
  return wrong;
}

/** What commands that have all ended must not leave: processes, network namespaces, run-time files. */
async function leftovers(store: TestStore): Promise<string[]> {
  // a monitor's last command may still be at work
  const processes = (): string[] => commandLines().filter((line) => line.includes(store.run));
  for (let i = 0; i < 1000 && processes().length > 0; i++) await sleep(10);
  const files = ['containers', 'netns'].flatMap((folder) => {
    const path = join(store.run, folder);
    return existsSync(path) ? readdirSync(path).map((name) => join(path, name)) : [];
  });
  return [...processes(), ...files].map((what) => `left: ${what}`);
}
