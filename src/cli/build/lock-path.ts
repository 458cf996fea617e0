// Where the lock file of a Dockerfile lies: beside it, and so only where that is a file of this machine.
import { existsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { SlipwayError } from '../../model/index.ts';
import type { Context, ParsedOptions } from '../command.ts';

/** @throws SlipwayError unsupported `flag.lock` for a Dockerfile that lies elsewhere */
export function lockPath(ctx: Context, o: ParsedOptions, context: string): string {
  const file = o.string('file');
  if (file !== undefined && file !== '' && file !== '-') return `${resolve(ctx.cwd, file)}.lock`;
  const folder = resolve(ctx.cwd, context);
  if (file === '-' || context === '-' || statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new SlipwayError('unsupported', 'flag.lock', 'a lock file lies beside its Dockerfile, which has to be a file here', {
      hints: ['give the folder that holds it, or name it with -f'],
    });
  const name = !existsSync(join(folder, 'Dockerfile')) && existsSync(join(folder, 'dockerfile')) ? 'dockerfile' : 'Dockerfile';
  return join(folder, `${name}.lock`);
}
