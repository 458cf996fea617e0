// `slipway lock`: what all base images of a Dockerfile are locked to, whether that can still be had, and what is newer by now.
import type { BaseImage, BaseOptions, BuildEnvironment, BuildJob } from '../builder/index.ts';
import type { Image } from '../image/index.ts';
import {
  formatLock,
  formatPlatform,
  formatReference,
  hostPlatform,
  isSlipwayError,
  type LockedImage,
  parseLock,
  parsePlatform,
  parseReference,
} from '../model/index.ts';
import { withMounted } from '../snapshot/index.ts';
import { withEnvironment } from './build.ts';
import type { Engine } from './engine.ts';
import { Lock } from './lock.ts';
import { viewOf } from './outputs.ts';

export interface LockRequest {
  readonly action: 'update' | 'verify' | 'diff';
  /** Update and diff: these alone, as a lock file has them; all when empty. */
  readonly names: readonly string[];
  /** As people write them; this machine's when empty. */
  readonly platforms: readonly string[];
}

export interface LockEntry {
  readonly name: string;
  readonly platform: string;
  /** `missing` of the lock file and `unavailable` are what `verify` is for. */
  readonly state: 'added' | 'updated' | 'unchanged' | 'removed' | 'locked' | 'missing' | 'unavailable';
  readonly before?: LockedImage;
  readonly after?: LockedImage;
  readonly problem?: string;
  /** Of `diff`, where the image is another one. */
  readonly difference?: BaseDifference;
}

export interface BaseDifference {
  /** Bytes, before and after. */
  readonly size: readonly [number, number];
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** `name 1.0 → 1.1`. */
  readonly changed: readonly string[];
}

export interface LockReport {
  /** Of the lock file as `update` writes it. */
  readonly text: string;
  readonly entries: readonly LockEntry[];
}

const keyOf = ({ name, platform }: Pick<LockedImage, 'name' | 'platform'>): string => `${name} ${platform}`;

/** @throws SlipwayError of the Dockerfile; `lock.invalid`; of `update` and `diff` what looking names up throws */
export async function lockBases(engine: Engine, job: BuildJob, o: LockRequest): Promise<LockReport> {
  const { lookUpBases } = await import('../builder/index.ts');
  const { lock: _, ...unlocked } = job;
  const before = new Map(keptOf(job, o).map((entry) => [keyOf(entry), entry]));
  const renew = (name: string): boolean => o.names.length === 0 || o.names.includes(name);
  const lock = new Lock(
    engine,
    { name: 'the lock file', text: formatLock([...before.values()]) },
    { write: false, onWarning: () => {}, ...(o.action !== 'verify' && { renew }) },
  );
  const problems: LockEntry[] = [];
  const differences = new Map<string, BaseDifference>();
  const resolve = async (ref: string, options: BaseOptions, ask: BuildEnvironment['resolveBase']): Promise<BaseImage> => {
    try {
      return await lock.resolve(ref, options, ask);
    } catch (e) {
      const platform = formatPlatform(options.platform ?? hostPlatform());
      if (isSlipwayError(e)) problems.push({ name: ref, platform, state: 'unavailable', problem: e.message });
      throw e;
    }
  };
  for (const platform of o.platforms.length === 0 ? [undefined] : o.platforms.map(parsePlatform)) {
    const request: BuildJob = { ...unlocked, ...(platform && { platform }), lock: { resolve, text: () => undefined } };
    await withEnvironment(engine, request, {}, async (env) => {
      try {
        await lookUpBases(env, request);
      } catch (e) {
        // each of them is an entry of what was found
        if (o.action !== 'verify' || problems.length === 0) throw e;
      }
      if (o.action !== 'diff') return;
      for (const after of lock.used) {
        const old = before.get(keyOf(after));
        if (old !== undefined && old.image !== after.image && !differences.has(keyOf(after)))
          differences.set(keyOf(after), await differenceOf(engine, env, [old, after], request.signal));
      }
    });
  }
  const entries = o.action === 'verify' ? verified(before, lock.used, problems) : compared(before, lock.used, o, differences);
  const kept = entries.flatMap((e) => (e.state === 'removed' ? [] : ((e.state === 'unchanged' ? e.before : e.after) ?? [])));
  return { text: formatLock(kept), entries };
}

/** What is to be written anew need not be readable. */
function keptOf({ context }: BuildJob, { action, names }: LockRequest): LockedImage[] {
  const file = context.lock();
  if (file === undefined) return [];
  try {
    return parseLock(file.text, file.name);
  } catch (e) {
    if (action === 'update' && names.length === 0) return [];
    throw e;
  }
}

function verified(before: ReadonlyMap<string, LockedImage>, used: readonly LockedImage[], problems: readonly LockEntry[]): LockEntry[] {
  const failed = new Set(problems.map(keyOf));
  const others = used.filter((entry) => !failed.has(keyOf(entry)));
  const entries = others.map((after): LockEntry => {
    const { name, platform } = after;
    const entry = before.get(keyOf(after));
    return entry === undefined ? { name, platform, state: 'missing', after } : { name, platform, state: 'locked', before: entry };
  });
  return [...entries, ...problems];
}

function compared(
  before: ReadonlyMap<string, LockedImage>,
  used: readonly LockedImage[],
  { names }: LockRequest,
  differences: ReadonlyMap<string, BaseDifference>,
): LockEntry[] {
  const now = new Map(used.map((entry) => [keyOf(entry), entry]));
  const entries = used.map((after): LockEntry => {
    const { name, platform } = after;
    const old = before.get(keyOf(after));
    if (old === undefined) return { name, platform, state: 'added', after };
    const difference = differences.get(keyOf(after));
    return {
      name,
      platform,
      state: old.image === after.image ? 'unchanged' : 'updated',
      before: old,
      after,
      ...(difference && { difference }),
    };
  });
  const gone = [...before.values()].filter((entry) => !now.has(keyOf(entry)));
  return [
    ...entries,
    ...gone.map((old): LockEntry => ({
      name: old.name,
      platform: old.platform,
      // of some names alone, others are not looked at
      state: names.length === 0 ? 'removed' : 'unchanged',
      before: old,
    })),
  ];
}

/** Packages and size, of which both images have to be here: they are pulled if need be. */
async function differenceOf(
  engine: Engine,
  env: BuildEnvironment,
  sides: readonly [LockedImage, LockedImage],
  signal: AbortSignal,
): Promise<BaseDifference> {
  const { scan } = await import('./attest/index.ts');
  using lease = engine.leases.create();
  const images: Image[] = [];
  const packages: Map<string, string>[] = [];
  for (const { name, platform, image, digest } of sides) {
    const { tag: _, ...repository } = parseReference(name);
    const ref = engine.images.find(image) !== undefined || digest === undefined ? image : formatReference({ ...repository, digest });
    const base = await env.resolveBase(ref, { platform: parsePlatform(platform), pull: false, anyPlatform: true, signal });
    const whole = await base.fetch(signal);
    images.push(whole);
    const found = withMounted(engine.layout, await viewOf(engine, whole, lease), scan);
    packages.push(new Map(found.map((p) => [p.name, p.version])));
  }
  const [was = new Map<string, string>(), is = new Map<string, string>()] = packages;
  const sorted = (names: Iterable<string>): string[] => [...names].sort();
  return {
    size: [images[0]?.size ?? 0, images[1]?.size ?? 0],
    added: sorted(is.keys()).flatMap((name) => (was.has(name) ? [] : [`${name} ${is.get(name)}`])),
    removed: sorted(was.keys()).flatMap((name) => (is.has(name) ? [] : [`${name} ${was.get(name)}`])),
    changed: sorted(is.keys()).flatMap((name) =>
      was.has(name) && was.get(name) !== is.get(name) ? [`${name} ${was.get(name)} → ${is.get(name)}`] : [],
    ),
  };
}
