// Paths inside a root file system that is not trusted: links are followed as the container would follow them, never out of it.
import { lstatSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

const MOST_LINKS = 255;

/** The real path of `path` inside `root`, as seen from outside; what does not exist stays as it is named. Throws ELOOP. */
export function resolveInRoot(root: string, path: string): string {
  const rest = path
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .reverse();
  let at: string[] = [];
  let links = 0;
  for (let part = rest.pop(); part !== undefined; part = rest.pop()) {
    if (part === '..') {
      at.pop();
      continue;
    }
    const here = join(root, ...at, part);
    const link = readLink(here);
    if (link === undefined) {
      at.push(part);
      continue;
    }
    if (++links > MOST_LINKS) throw Object.assign(new Error(`ELOOP: too many symbolic links, ${path}`), { code: 'ELOOP', path });
    if (link.startsWith('/')) at = [];
    rest.push(
      ...link
        .split('/')
        .filter((name) => name !== '' && name !== '.')
        .reverse(),
    );
  }
  return join(root, ...at);
}

function readLink(path: string): string | undefined {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ? readlinkSync(path) : undefined;
}
