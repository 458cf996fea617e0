// Build contexts: where the files of a build come from.
export type { BuildContext, ContextOptions, ContextSource, NamedContext, NamedDirectory } from './types.ts';
export { openContext, openNamedContext } from './open.ts';
export { contextKey, contextNameKey } from './names.ts';
export { contextSource } from './source.ts';
