// What crun does otherwise than runc, put right in the specification that it gets.
import { existsSync } from 'node:fs';
import type { OciSpec, SpecMount } from './oci.ts';

/**
 * crun (1.8 at least) remounts read-only paths without the flags of the mount below, so that /proc/sys lacks nosuid, nodev and noexec.
 * As mounts of their own they have them. They come from the host's /proc; what these trees show depends on who reads them, not on that.
 */
export function forCrun(spec: OciSpec): OciSpec {
  const { readonlyPaths, ...linux } = spec.linux;
  if (readonlyPaths === undefined) return spec;
  const mounts: SpecMount[] = readonlyPaths
    .filter((path) => existsSync(path))
    .map((path) => ({ destination: path, type: 'bind', source: path, options: ['bind', 'ro', 'nosuid', 'nodev', 'noexec', 'rprivate'] }));
  return { ...spec, mounts: [...spec.mounts, ...mounts], linux };
}
