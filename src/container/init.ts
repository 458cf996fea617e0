// `--init`: a small program of this machine that is a container's first process. It starts the container's own program, passes signals on
// to it, and waits for processes that others have left behind, which a first process has to do and most programs do not.
import { SlipwayError } from '../model/index.ts';
import type { OciSpec } from '../runtime/index.ts';
import { findExecutable } from '../sys/index.ts';

/** Where the container has it, as in Docker. */
const PLACE = '/sbin/docker-init';
/** Linked statically, all of them: nothing of the image is needed. They take `-- PROGRAM ARGUMENT...`. */
const PROGRAMS = ['catatonit', 'docker-init', 'tini-static'] as const;

/** Its path on this machine. @throws SlipwayError failed-precondition `container.no-init` */
export function findInit(): string {
  for (const name of PROGRAMS) {
    const path = findExecutable(name) ?? findExecutable(`/usr/libexec/podman/${name}`);
    if (path !== undefined) return path;
  }
  throw new SlipwayError('failed-precondition', 'container.no-init', 'no init is installed, which --init needs', {
    exitCode: 125,
    hints: ['apt-get install catatonit'],
  });
}

/** The specification of a container whose program is started by the init. */
export function withInit(spec: OciSpec): OciSpec {
  return {
    ...spec,
    process: { ...spec.process, args: [PLACE, '--', ...spec.process.args] },
    mounts: [...spec.mounts, { destination: PLACE, type: 'bind', source: findInit(), options: ['bind', 'ro'] }],
  };
}
