// Build contexts: where the files of a build come from.
export type { BuildContext, ContextOptions, ContextSource, NamedContext } from './types.ts';
export { openContext, openNamedContext } from './open.ts';
export { contextSource } from './source.ts';
