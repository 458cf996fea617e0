// `build --volume`: files of this machine that every RUN sees where it runs, and that enter no layer and no key.
import { existsSync } from 'node:fs';
import { SlipwayError } from '../model/index.ts';
import type { RunMount } from './steps/index.ts';
import type { BuildSettings } from './types.ts';

export const hostMounts = ({ volumes = [] }: Pick<BuildSettings, 'volumes'>): RunMount[] => volumes.map((v) => ({ type: 'host', ...v }));

/** @throws SlipwayError not-found `build.no-volume`, for whatever build, cached or not */
export function checkVolumes({ volumes = [] }: Pick<BuildSettings, 'volumes'>): void {
  const missing = volumes.find(({ source }) => !existsSync(source));
  if (missing !== undefined)
    throw new SlipwayError('not-found', 'build.no-volume', `there is no file or folder ${missing.source} to mount at ${missing.target}`);
}
