// `init`: a Dockerfile and a .dockerignore for the project of a folder.
import { readdirSync, writeFileSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import { LANGUAGE_NAMES, type ProjectFolder, scaffold } from '../../engine/index.ts';
import { SlipwayError } from '../../model/index.ts';
import { readRegularFile } from '../../sys/index.ts';
import type { Command, Context } from '../command.ts';

/** Bytes of a file that is read to recognise a project. */
const LARGEST = 1 << 20;

export const init: Command = {
  name: 'init',
  summary: 'Write a multi-stage Dockerfile and a .dockerignore for the project in a folder',
  usage: '[OPTIONS] [FOLDER]',
  examples: ['slipway init', 'slipway init --print', 'slipway init --language go service'],
  args: { min: 0, max: 1 },
  options: [
    { name: 'language', type: 'string', placeholder: 'name', help: `Language of the project: ${LANGUAGE_NAMES.join(', ')}` },
    { name: 'print', type: 'boolean', help: 'Print both files instead of writing them' },
  ],
  async run(ctx, o, args) {
    const folder = resolve(ctx.cwd, args[0] ?? '.');
    const made = scaffold(projectIn(folder), o.string('language'));
    const told = `${made.language.title} (${made.language.by})`;
    const others = made.others.map((l) => `${l.title} (${l.by}: --language ${l.name})`);
    if (o.bool('print')) {
      ctx.stdout.write(`${made.dockerfile}\n# --- .dockerignore ---\n\n${made.dockerignore}`);
      return;
    }
    ctx.stderr.write(`recognised ${told}${others.length > 0 ? `; there is also ${others.join(', ')}` : ''}\n`);
    const written = [write(ctx, folder, 'Dockerfile', made.dockerfile), write(ctx, folder, '.dockerignore', made.dockerignore)];
    if (!written.includes(true))
      throw new SlipwayError('already-exists', 'init.exists', 'both files are already here, and stay as they are', {
        hints: ['slipway init --print shows what would be written'],
      });
    const where = relative(ctx.cwd, folder) || '.';
    const name =
      basename(folder)
        .toLowerCase()
        .replaceAll(/[^a-z0-9]+/g, '-')
        .replaceAll(/^-|-$/g, '') || 'app';
    ctx.stdout.write(
      `\nnext:\n  slipway build --check ${where}\n  slipway build --target test ${where}\n  slipway build -t ${name} ${where}\n  slipway run -d -P ${name}\n`,
    );
  },
};

/** Nothing is overwritten, and no link is followed. @returns whether it was written */
function write(ctx: Context, folder: string, name: string, text: string): boolean {
  try {
    writeFileSync(join(folder, name), text, { flag: 'wx' });
  } catch (e) {
    if ((e as NodeJS.ErrnoException).code !== 'EEXIST') throw e;
    ctx.stderr.write(`${name} is already here, and stays as it is\n`);
    return false;
  }
  ctx.stdout.write(`wrote ${name}\n`);
  return true;
}

function projectIn(folder: string): ProjectFolder {
  const top = namesIn(folder);
  if (top === undefined)
    throw new SlipwayError('not-found', 'init.no-folder', `there is no folder ${folder}`, { hints: ['slipway init FOLDER'] });
  return {
    list: (path = '.') => (path === '.' ? top : (namesIn(join(folder, path)) ?? [])),
    read: (path) => {
      try {
        return readRegularFile(join(folder, path), LARGEST).toString('utf8');
      } catch {
        // what cannot be read tells nothing
        return undefined;
      }
    },
  };
}

function namesIn(path: string): string[] | undefined {
  try {
    return readdirSync(path).sort();
  } catch {
    return undefined;
  }
}
