// Sessions: what only the caller of an operation has.
export { openAgent, PathSession, type PathSessionOptions } from './paths.ts';
export type { SecretSource } from './secret.ts';
