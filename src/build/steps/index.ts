// The steps of a build, shared by both engines. All access below mounts is synchronous: see the private mount namespace in sys/.
export type {
  ContentDigestOptions, CopyRequest, CopySource, MountedRootfs, PathFilter, Rootfs, RunMount, RunRequest, SecretSource, StepEnvironment, Ulimit,
} from './types.ts';
import type { Digest } from '../../model/index.ts';
import type { Mount } from '../../snapshot/index.ts';
import type { Layout } from '../../store/index.ts';
import type { ContentDigestOptions, CopyRequest, MountedRootfs, Rootfs, RunRequest, StepEnvironment } from './types.ts';
export type { FileDigests } from './digests.ts';

/** Mounts a snapshot below `layout.run/mounts`; `upper` (ActiveSnapshot.upper) lets steps write past the overlay where that is safe. */
export declare function openRootfs(layout: Layout, mounts: readonly Mount[], upper?: string): MountedRootfs;
/** Opens the store of file digests of one root (a context directory); `save()` writes it back. */
export declare function openFileDigests(layout: Layout, root: string): import('./digests.ts').FileDigests;
/** The key of what a COPY of `patterns` below `root` reads: names, types, modes, owners as in the image, bytes, links, xattrs; never times. Throws as copyStep does when nothing is there. */
export declare function contentDigest(root: string, patterns: readonly string[], options: ContentDigestOptions): Digest;
/** COPY and ADD. */
export declare function copyStep(rootfs: Rootfs, request: CopyRequest): Promise<void>;
/** RUN. Throws invalid-argument/… for what cannot start; a program's own failure is an exit code. */
export declare function runStep(env: StepEnvironment, request: RunRequest): Promise<{ exitCode: number }>;
/** Makes the directory that WORKDIR names, owned by `user` (graph) or root; one that is there is left alone. `now` in ms. */
export declare function workdirStep(rootfs: Rootfs, path: string, options: { user?: string; style: 'graph' | 'classic'; now: number }): void;
