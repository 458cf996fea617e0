// `--platform` of commands on images that are here: an image is for one platform, and must be for the one that is asked for.
import type { Engine } from '../engine/index.ts';
import { formatPlatform, matchesPlatform, parsePlatform, type Platform, platformOfImage, SlipwayError } from '../model/index.ts';
import type { Option, ParsedOptions } from './command.ts';

export const PLATFORM: Option = {
  name: 'platform',
  type: 'string',
  placeholder: 'os/arch[/variant]',
  help: 'Platform of the image',
};

/** What `--platform` says. @throws SlipwayError `platform.invalid` */
export function wantedPlatform(o: ParsedOptions): Platform | undefined {
  const text = o.list('platform').at(-1);
  return text === undefined || text === '' ? undefined : parsePlatform(text);
}

/** @throws SlipwayError `image.platform` when an image that is here is for another platform. */
export function checkPlatform(engine: Engine, ref: string, wanted: Platform | undefined): void {
  if (wanted === undefined) return;
  const image = engine.images.find(ref);
  if (image === undefined) return;
  const have = platformOfImage(image.config);
  if (matchesPlatform(have, wanted)) return;
  throw new SlipwayError(
    'not-found',
    'image.platform',
    `image with reference ${ref} was found but its platform (${formatPlatform(have)}) does not match the specified platform (${formatPlatform(wanted)})`,
  );
}
