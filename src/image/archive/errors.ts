// What can be wrong with an archive of images, each with one code.
import { SlipwayError } from '../../model/index.ts';

export function notAnImageArchive(hint?: string): SlipwayError {
  return new SlipwayError(
    'data-loss',
    'archive.no-image',
    'this is not an archive of images: it has neither manifest.json nor index.json',
    {
      hints: [hint ?? 'a tar of a root file system is made an image by `slipway import`'],
    },
  );
}

export function incomplete(name: string): SlipwayError {
  return new SlipwayError('data-loss', 'archive.incomplete', `the archive is incomplete: ${JSON.stringify(name)} is missing`);
}

export function malformed(what: string, cause?: unknown): SlipwayError {
  return new SlipwayError('data-loss', 'archive.malformed', `the archive is malformed: ${what}`, cause === undefined ? {} : { cause });
}

export function mismatch(name: string, expected: string, got: string): SlipwayError {
  return new SlipwayError('data-loss', 'archive.mismatch', `the archive is damaged: ${name} should be ${expected}, but is ${got}`);
}
