// Build contexts: where the files of a build come from.
export type { BuildContext, ContextOptions, ContextSource, NamedContext } from './types.ts';
import type { BuildContext, ContextOptions, ContextSource, NamedContext } from './types.ts';

/** Opens a context: a directory as it stands, a stream unpacked below `scratch`. */
export declare function openContext(source: ContextSource, options: ContextOptions): Promise<BuildContext>;
/** Tells what `.`, `-`, a path, a Git or an HTTP address on the command line stands for; the last two throw unsupported 'context.remote'. */
export declare function contextSource(word: string, cwd: string, stdin: () => import('node:stream').Readable): ContextSource;
/** `--build-context name=value`; `value` is a folder or `docker-image://ref`. */
export declare function openNamedContext(name: string, value: string, options: { cwd: string; scratch: string }): Promise<NamedContext>;
