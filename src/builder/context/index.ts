// Build contexts: where the files of a build come from.
export type {
  BuildContext,
  ContextOptions,
  ContextRequest,
  ContextSource,
  DockerfileRequest,
  DockerfileSource,
  NamedContext,
  NamedContextRequest,
  NamedDirectory,
} from './types.ts';
export { openNamedContext, openRequested } from './asked.ts';
export { openContext } from './open.ts';
export { partReader } from './parts.ts';
export { contextKey, contextNameKey } from './names.ts';
export { type ParsedContext, parseContext, parseNamedContext } from './source.ts';
