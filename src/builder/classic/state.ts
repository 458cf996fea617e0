// What the original engine carries from one instruction of a stage to the next.
import { SYSTEM_PATH } from '../../sys/index.ts';
import type { Image } from '../../image/index.ts';
import type { ContainerConfig, Healthcheck, Platform } from '../../model/index.ts';
import type { BuildArgs } from './args.ts';

const DEFAULT_SHELL: readonly string[] = ['/bin/sh', '-c'];

export interface StageState {
  readonly index: number;
  readonly name: string | undefined;
  readonly args: BuildArgs;
  readonly platform: Platform;
  /** The image of the last instruction; undefined while the stage is `scratch`. */
  image: Image | undefined;
  /** The configuration that the next image gets. Replaced, never changed in place. */
  config: ContainerConfig;
  author: string | undefined;
  /** CMD came after the last ENTRYPOINT of the base, so ENTRYPOINT leaves it alone. */
  cmdSet: boolean;
  /** A step found no cached image: the ones after it do not look. */
  cacheBusted: boolean;
}

/** The state right after FROM. */
export function beginStage(o: {
  index: number;
  name: string | undefined;
  args: BuildArgs;
  platform: Platform;
  image: Image | undefined;
}): StageState {
  const config = structuredClone(o.image?.config.config ?? {});
  if (!(config.Env ?? []).some((e) => e.startsWith('PATH='))) config.Env = [...(config.Env ?? []), `PATH=${SYSTEM_PATH}`];
  return { ...o, config, author: undefined, cmdSet: false, cacheBusted: false };
}

export const shellOf = (config: ContainerConfig): readonly string[] =>
  config.Shell && config.Shell.length > 0 ? config.Shell : DEFAULT_SHELL;

/** The configuration with another command: how an instruction that runs nothing is written into history. */
export function withComment(config: ContainerConfig, ...comment: string[]): ContainerConfig {
  return { ...config, Cmd: [...shellOf(config), ...comment] };
}

/** What two configurations must share for the one's image to serve as the other's: the command, and all that it would see. */
export function sameConfig(a: ContainerConfig, b: ContainerConfig): boolean {
  const key = (c: ContainerConfig): string =>
    JSON.stringify([
      c.User ?? '',
      c.Cmd ?? [],
      c.Env ?? [],
      c.Entrypoint ?? [],
      Object.entries(c.Labels ?? {}).sort(),
      Object.keys(c.ExposedPorts ?? {}).sort(),
      Object.keys(c.Volumes ?? {}).sort(),
    ]);
  return key(a) === key(b);
}

/** A healthcheck takes what it does not say from the one of the image before it, as the original engine does. */
export function inheritHealthcheck(health: Healthcheck, parent: Healthcheck | undefined): Healthcheck {
  if (!parent) return health;
  const out: Healthcheck = { ...health };
  for (const key of ['Interval', 'Timeout', 'StartPeriod', 'StartInterval', 'Retries'] as const) {
    const inherited = parent[key];
    if (!out[key] && inherited) out[key] = inherited;
  }
  return out;
}
