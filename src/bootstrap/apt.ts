// The package sources of the machine that Slipway runs on, as apt itself knows them (mirrors, proxies and all), so that
// a stand-in comes from where this machine's packages come from. Slipway brings no mirror of its own.
import { existsSync } from 'node:fs';
import { SlipwayError } from '../model/index.ts';
import { findExecutable, run } from '../sys/index.ts';

/** The Debian release that stand-ins are made of. */
export const SUITE = 'bookworm';

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** Finds a tool, or says which package brings it. */
export function requireTool(name: string, debianPackage = name): string {
  const path = findExecutable(name);
  if (path) return path;
  throw new SlipwayError('failed-precondition', 'bootstrap.missing-tool', `${name} is needed to make a base image, and is not installed`, {
    hints: [`apt-get install ${debianPackage}`],
  });
}

/**
 * The lines of a sources.list for the release, from `apt-get indextargets` (apt-get(8)).
 * @throws SlipwayError `bootstrap.no-sources` when apt knows none, as on a machine that is not Debian.
 */
export async function aptSources(signal?: AbortSignal): Promise<string[]> {
  const apt = requireTool('apt-get', 'apt');
  const format = '$(REPO_URI) $(CODENAME) $(COMPONENT)';
  const r = await run(apt, ['indextargets', '--format', format, 'Created-By: Packages'], signal ? { signal } : {});
  const lines = new Set<string>();
  for (const line of r.stdout.split('\n')) {
    const [uri, codename, component] = line.trim().split(' ');
    if (!uri || !codename || !component) continue;
    if (codename !== SUITE && !codename.startsWith(`${SUITE}-`)) continue;
    const trust = existsSync(KEYRING) ? `[signed-by=${KEYRING}] ` : '';
    lines.add(`deb ${trust}${uri} ${codename} ${component}`);
  }
  if (lines.size === 0) {
    throw new SlipwayError(
      'failed-precondition',
      'bootstrap.no-sources',
      `apt knows no package source for Debian ${SUITE} on this machine`,
      {
        hints: ['run apt-get update once, or load a base image from an archive: slipway load -i FILE'],
      },
    );
  }
  return [...lines].sort();
}
