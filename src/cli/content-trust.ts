// `--disable-content-trust`: true is how it is here anyway, so that it can be written as for Docker; signatures of Notary cannot be asked for.
import { SlipwayError } from '../model/index.ts';
import type { Option, ParsedOptions } from './command.ts';

export const CONTENT_TRUST: Option = {
  name: 'disable-content-trust',
  type: 'boolean',
  help: 'Skip Notary signature verification; always skipped',
};

/** @throws SlipwayError `cli.content-trust` */
export function refuseContentTrust(o: ParsedOptions): void {
  if (!o.has('disable-content-trust') || o.bool('disable-content-trust')) return;
  throw new SlipwayError('unsupported', 'cli.content-trust', 'content trust is not supported: slipway verifies no signatures of Notary', {
    hints: ['name an image by its digest to be sure of what it is: NAME@sha256:…'],
    exitCode: 125,
  });
}
