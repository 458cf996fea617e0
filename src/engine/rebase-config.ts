// The configuration of an image on another base: three sides, as in a merge. What the image has as its old base had it comes from the new one.
import type { ContainerConfig } from '../model/index.ts';

type Values = Readonly<Record<string, unknown>>;

const equal = (a: unknown, b: unknown): boolean => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);

/** Those of the new base first, in their order, then what the image has on its own. */
function mergedMap<T>(
  image: ReadonlyMap<string, T>,
  from: ReadonlyMap<string, T>,
  onto: ReadonlyMap<string, T>,
  own: (value: T, was: T | undefined, is: T | undefined) => T = (value) => value,
): Map<string, T> {
  const merged = new Map<string, T>();
  for (const [name, value] of onto) {
    // what the image took away of its base stays away
    if (from.has(name) && !image.has(name)) continue;
    const mine = image.get(name);
    merged.set(name, mine === undefined || equal(mine, from.get(name)) ? value : own(mine, from.get(name), value));
  }
  for (const [name, value] of image)
    if (!merged.has(name) && !(from.has(name) && equal(value, from.get(name))))
      merged.set(name, own(value, from.get(name), onto.get(name)));
  return merged;
}

const variables = (env: readonly string[] | undefined): Map<string, string> =>
  new Map((env ?? []).map((e) => [e.slice(0, e.indexOf('=')), e.slice(e.indexOf('=') + 1)]));

/** `PATH=/app/bin:$PATH` was written with the old base's: the new one's takes its place. */
function extended(value: string, was: string | undefined, is: string | undefined): string {
  if (was === undefined || was === '' || is === undefined) return value;
  if (value.endsWith(`:${was}`)) return value.slice(0, -was.length) + is;
  if (value.startsWith(`${was}:`)) return is + value.slice(was.length);
  return value;
}

const MAPS = ['Labels', 'ExposedPorts', 'Volumes'] as const;

/** @param from the configuration of the base that the image was built on; `onto` that of the one it is to stand on */
export function rebasedConfig(image: ContainerConfig, from: ContainerConfig, onto: ContainerConfig): ContainerConfig {
  const sides: readonly Values[] = [image, from, onto].map((c) => ({ ...c }));
  const [mine = {}, was = {}, is = {}] = sides;
  const merged: Record<string, unknown> = {};
  for (const key of new Set([...Object.keys(is), ...Object.keys(mine)])) {
    const value = equal(mine[key], was[key]) ? is[key] : mine[key];
    if (value !== undefined) merged[key] = value;
  }
  const env = mergedMap(variables(image.Env), variables(from.Env), variables(onto.Env), extended);
  if (env.size > 0) merged['Env'] = [...env].map(([name, value]) => `${name}=${value}`);
  for (const key of MAPS) {
    const [a, b, c] = sides.map((side) => new Map(Object.entries((side[key] ?? {}) as Values)));
    const map = mergedMap(a as Map<string, unknown>, b as Map<string, unknown>, c as Map<string, unknown>);
    if (map.size > 0) merged[key] = Object.fromEntries(map);
  }
  return merged as ContainerConfig;
}
