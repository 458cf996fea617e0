// The steps of a build, shared by both engines. All access below mounts is synchronous: see the private mount namespace in sys/.
export type {
  ContentDigestOptions,
  CopyRequest,
  CopySource,
  MountedRootfs,
  PathFilter,
  Rootfs,
  RunMount,
  RunRequest,
  StepEnvironment,
} from './types.ts';
export { cacheMountName } from './run/caches.ts';
export { contentDigest } from './content.ts';
export { copyStep } from './copy.ts';
export { copyTree } from './tree.ts';
export { unpackFile } from './unpack.ts';
export { FileDigests, openFileDigests } from './digests.ts';
export { openRootfs } from './rootfs.ts';
/** Loaded when something is to be run: most builds only look up what was. */
export const runStep: typeof import('./run/run.ts').runStep = async (env, request) => (await import('./run/run.ts')).runStep(env, request);
export const openAgent: typeof import('./run/ssh.ts').openAgent = async (paths, signal) =>
  (await import('./run/ssh.ts')).openAgent(paths, signal);
export { makeDirectory, makeFile, makeSymlink, removeEntries } from './entries.ts';
export { workdirStep } from './workdir.ts';
