// Tests of the configuration, the size and the packages of an image.
import type { Image } from '../../image/index.ts';
import { formatBytes } from '../../util/index.ts';
import type { Package } from '../attest/types.ts';
import { excerpt, unmet } from './expectations.ts';
import type { EntryTest, LimitTest, MemberTest, PackagesTest, SettingTest } from './types.ts';

export function settingProblems({ config: { config = {} } }: Image, { setting, value }: SettingTest): string[] {
  const found = {
    user: config.User ?? '',
    workdir: config.WorkingDir ?? '',
    'stop-signal': config.StopSignal ?? '',
    entrypoint: config.Entrypoint ?? [],
    cmd: config.Cmd ?? [],
  }[setting];
  const [is, wanted] = [JSON.stringify(found), JSON.stringify(value)];
  return is === wanted ? [] : [`is ${is}, not ${wanted}`];
}

export function entryProblems({ config: { config = {} } }: Image, test: EntryTest): string[] {
  const found =
    test.of === 'labels' ? config.Labels?.[test.key] : config.Env?.find((e) => e.startsWith(`${test.key}=`))?.slice(test.key.length + 1);
  if (found === undefined) return ['is not set'];
  if (test.regular) return unmet('the value', found, { matches: [test.value], lacks: [] });
  return found === test.value ? [] : [`is ${excerpt(found)}, not ${excerpt(test.value)}`];
}

export function memberProblems({ config: { config = {} } }: Image, { of, key, there }: MemberTest): string[] {
  const found = Object.keys((of === 'ports' ? config.ExposedPorts : config.Volumes) ?? {});
  if (found.includes(key) === there) return [];
  return [there ? `is not one of ${found.length === 0 ? 'none' : found.join(', ')}` : 'is there'];
}

export function limitProblems(image: Image, { of, most }: LimitTest): string[] {
  if (of === 'layers') return image.layers.length <= most ? [] : [`has ${image.layers.length} layers`];
  return image.size <= most ? [] : [`is ${formatBytes(image.size, 3)}, and at most ${formatBytes(most, 3)} is allowed`];
}

export const packageProblems = (installed: readonly Package[], { packages }: PackagesTest): string[] =>
  installed.filter(({ name }) => packages.includes(name)).map(({ name, version, source }) => `${name} ${version} is installed (${source})`);
